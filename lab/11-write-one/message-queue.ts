import type { Entry, Log } from './log.ts'

export interface Message {
  offset: number
  body: string
}

/** A consumer that has not acknowledged a message for so long is taken for dead. */
const LEASE_MS = 1_000

/** Gives each message to one consumer, and to another one when that dies: at least once. */
export class MessageQueue {
  readonly #log: Log
  readonly #isAckedOnTake: boolean
  /** Messages that are not acknowledged, by offset. */
  readonly #messages = new Map<number, string>()
  readonly #leases = new Map<number, NodeJS.Timeout>()
  /** Offsets to be given out next. */
  readonly #waiting: number[]
  #nextOffset = 0

  /** @param entries what the log had when it was opened */
  constructor(log: Log, entries: Entry[], { isAckedOnTake = false }: { isAckedOnTake?: boolean } = {}) {
    this.#log = log
    this.#isAckedOnTake = isAckedOnTake
    for (const [kind, offset, body = ''] of entries) {
      if (kind === 'message') this.#messages.set(offset, body)
      else this.#messages.delete(offset)
      this.#nextOffset = Math.max(this.#nextOffset, offset + 1)
    }
    this.#waiting = [...this.#messages.keys()]
  }

  get unacknowledged(): number {
    return this.#messages.size
  }

  /** Resolves, which confirms it, when the message is on disk. */
  async publish(body: string): Promise<number> {
    const offset = this.#nextOffset++
    await this.#log.append(['message', offset, body])
    this.#messages.set(offset, body)
    this.#waiting.push(offset)
    return offset
  }

  async take(): Promise<Message | undefined> {
    const offset = this.#waiting.shift()
    if (offset === undefined) return undefined
    const body = this.#messages.get(offset) ?? ''
    if (this.#isAckedOnTake) await this.ack(offset)
    else
      this.#leases.set(
        offset,
        setTimeout(() => this.#giveBack(offset), LEASE_MS),
      )
    return { offset, body }
  }

  /** Acknowledged again, after another consumer has done it, nothing happens. */
  async ack(offset: number): Promise<void> {
    if (!this.#messages.has(offset)) return
    await this.#log.append(['ack', offset])
    clearTimeout(this.#leases.get(offset))
    this.#leases.delete(offset)
    this.#messages.delete(offset)
  }

  #giveBack(offset: number): void {
    this.#leases.delete(offset)
    if (this.#messages.has(offset)) this.#waiting.unshift(offset)
  }
}
