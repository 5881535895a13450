import type { Redis } from 'ioredis'
import { saleOf } from '../core/stock/reservation.ts'

export interface ChangeListener {
  /** Units of this sale came back. */
  released?: (saleId: string) => void
  /** These reservations have another status than before. */
  changed?: (reservationIds: string[]) => void
  /** From now on changes are missed. */
  deaf?: () => void
}

/**
 * What the scripts tell of reservations (release.lua, settle.lua, adjust.lua), heard by this process once for all who
 * care.
 */
export class Changes {
  readonly #connection: Redis
  readonly #channel: string
  readonly #listeners: ChangeListener[] = []
  #isSubscribed = false

  /** `connection` is one of its own, which from now on only listens. */
  constructor(connection: Redis, channel: string) {
    this.#connection = connection
    this.#channel = channel
    connection.on('message', (_channel: string, message: string) => this.#tell(message))
    connection.on('close', () => {
      this.#isSubscribed = false
      for (const { deaf } of this.#listeners) deaf?.()
    })
  }

  /** Subscribes unless that is done: to be called now and then, since a new connection has no subscription. */
  async listen(): Promise<void> {
    if (this.#isSubscribed || this.#connection.status !== 'ready') return
    await this.#connection.subscribe(this.#channel)
    this.#isSubscribed = true
  }

  get isDeaf(): boolean {
    return !this.#isSubscribed
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
