import { connect, type Socket } from 'node:net'
import { AnswerParser, type OnAnswer } from './answers.ts'

const READ_BUFFER_BYTES = 16_384

export interface ConnectionEvents {
  onAnswer: OnAnswer
  /** Refused, reset or closed by the other side; it will not come back. */
  onLost: (error: Error | undefined) => void
}

/**
 * One kept-alive connection with one request in flight at most, on a bare socket: http.Agent costs more than the
 * server.
 */
export class Connection {
  readonly #socket: Socket

  constructor({ hostname, port }: URL, onOpen: () => void, { onAnswer, onLost }: ConnectionEvents) {
    const parser = new AnswerParser(onAnswer)
    const buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
    let failure: Error | undefined
    // Read into one buffer, past the stream: nothing is allocated per answer.
    const onread = {
      buffer,
      callback: (length: number) => {
        try {
          parser.push(buffer.subarray(0, length))
        } catch (error) {
          this.#socket.destroy(error as Error)
        }
        return true
      },
    }
    this.#socket = connect({ host: hostname, port: Number(port || 80), noDelay: true, onread })
    this.#socket.once('connect', onOpen)
    this.#socket.on('error', (error) => {
      failure = error
    })
    this.#socket.once('close', () => onLost(failure))
  }

  send(request: string): void {
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }
}
