import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that sends raw bytes, for requests that client libraries refuse to send. */
export class RawConnection {
  readonly #socket: Socket
  received = ''
  closed = false
  /** How long the connection was open; Infinity until it is closed. */
  openMs = Infinity

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    const openedAtMs = performance.now()
    this.#socket = connect(Number(port), hostname)
    this.#socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1')
    })
    this.#socket.on('close', () => {
      this.closed = true
      this.openMs = performance.now() - openedAtMs
    })
    // A reset counts as closed.
    this.#socket.on('error', () => {})
  }

  async opened(): Promise<this> {
    if (this.#socket.connecting) await once(this.#socket, 'connect')
    return this
  }

  send(bytes: string | Buffer): this {
    if (!this.closed) this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return this
  }

  /** Half-closes: sends FIN and keeps reading. */
  finish(): this {
    this.#socket.end()
    return this
  }

  /** Stops reading, so that the buffers of the other side fill up. */
  stopReading(): void {
    this.#socket.pause()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** The complete answers so far; only those with a Content-Length. */
  answers(): { status: number; headers: Headers; text: string }[] {
    const answers = []
    for (let rest = this.received; ; ) {
      const end = rest.indexOf('\r\n\r\n')
      if (end === -1) return answers
      const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n')
      const headers = new Headers(
        lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
      )
      const length = Number(headers.get('content-length') ?? 0)
      const text = rest.slice(end + 4, end + 4 + length)
      if (text.length < length) return answers
      answers.push({ status: Number(statusLine.split(' ')[1]), headers, text: Buffer.from(text, 'latin1').toString() })
      rest = rest.slice(end + 4 + length)
    }
  }
}
