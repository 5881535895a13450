import type { RedisClient } from '../core/platform/stores/redis.ts'
import { saleOf } from '../core/stock/shards.ts'

export interface ChangeListener {
  /** Units of this sale came back. */
  released?: (saleId: string) => void
  /** A sale was opened or its figures were changed. */
  amended?: (saleId: string) => void
  /** The status of these reservations has changed. */
  changed?: (reservationIds: string[]) => void
  /** The subscription is down: changes are missed until the next one. */
  disconnected?: () => void
}

/**
 * The changes that the scripts (release.lua, settle.lua, adjust.lua, amend.lua, arrive.lua) and SaleAdmin publish,
 * over one subscription of this process for all listeners in it.
 */
export class Changes {
  readonly #connection: RedisClient
  readonly #channel: string
  readonly #listeners: ChangeListener[] = []
  #isSubscribed = false

  /** `connection` must be used for nothing else: a subscribed connection takes no commands. */
  constructor(connection: RedisClient, channel: string) {
    this.#connection = connection
    this.#channel = channel
    connection.on('message', (_channel: string, message: string) => this.#dispatch(message))
    connection.on('close', () => this.#disconnected())
    // A cluster's client subscribes at one of its nodes, and does not say that this has gone.
    connection.on('-node', () => this.#disconnected())
  }

  #disconnected(): void {
    this.#isSubscribed = false
    for (const { disconnected } of this.#listeners) disconnected?.()
  }

  /** Subscribes unless it has; called periodically, since a new connection has no subscription. */
  async connect(): Promise<void> {
    if (this.#isSubscribed || this.#connection.status !== 'ready') return
    await this.#connection.subscribe(this.#channel)
    this.#isSubscribed = true
  }

  get isConnected(): boolean {
    return this.#isSubscribed
  }

  subscribe(listener: ChangeListener): void {
    this.#listeners.push(listener)
  }

  #dispatch(message: string): void {
    const [what, ledger = '', ...ids] = message.split(' ')
    for (const { released, amended, changed } of this.#listeners) {
      if (what === 'RELEASED') released?.(saleOf(ledger))
      if (what === 'AMENDED') amended?.(saleOf(ledger))
      changed?.(ids.map((id) => `${ledger}.${id}`))
    }
  }
}
