import type { Redis } from 'ioredis'
import { saleOf } from '../core/stock/ledger.ts'

export interface ChangeListener {
  /** Units of this sale came back. */
  released?: (saleId: string) => void
  /** These reservations have another status than before. */
  changed?: (reservationIds: string[]) => void
  /** From now on changes are missed. */
  deaf?: () => void
}

/** What the scripts tell of reservations (release.lua, settle.lua, adjust.lua), heard by this process once for all who care. */
export class Changes {
  readonly #connection: Redis
  readonly #channel: string
  readonly #listeners: ChangeListener[] = []

  /** `connection` is one of its own, which from now on only listens. */
  constructor(connection: Redis, channel: string) {
    this.#connection = connection
    this.#channel = channel
    connection.on('message', (_channel: string, message: string) => this.#tell(message))
    // `subscribe` is repeated by the client when it is back.
    connection.on('close', () => { for (const { deaf } of this.#listeners) deaf?.() })
  }

  async listen(): Promise<void> {
    await this.#connection.subscribe(this.#channel)
  }

  get isDeaf(): boolean {
    return this.#connection.status !== 'ready'
  }

  hear(listener: ChangeListener): void {
    this.#listeners.push(listener)
  }

  #tell(message: string): void {
    const [what, ...reservationIds] = message.split(' ')
    for (const { released, changed } of this.#listeners) {
      if (what === 'RELEASED') released?.(saleOf(reservationIds[0] ?? ''))
      changed?.(reservationIds)
    }
  }
}
