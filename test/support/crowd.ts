import { expect } from 'vitest'
import { createTokens } from '../../core/platform/tokens.ts'
import { eventually } from './eventually.ts'
import type { System } from './system.ts'

interface Buyer {
  id: string
  token: string
  /** The reservation of a 202. */
  told?: string
}

/** Buyers of one sale who have come, and who come back when they were not answered. */
export class Crowd {
  readonly buyers: Buyer[] = []
  readonly #system: System
  readonly #saleId: string
  readonly #sign: (buyerId: string) => string

  constructor(system: System, saleId: string) {
    this.#system = system
    this.#saleId = saleId
    // Not by signing in: the gateway may be away.
    this.#sign = createTokens(system.env.TOKEN_SECRET ?? '').sign
  }

  join(): Buyer {
    const id = `buyer-${this.buyers.length}`
    const buyer = { id, token: this.#sign(id) }
    this.buyers.push(buyer)
    return buyer
  }

  /** New buyers come, some at a time, until somebody has died of it. */
  async rushUntil(hasDied: () => boolean): Promise<void> {
    do await this.rush(4, hasDied)
    while (!hasDied())
  }

  /** So many new buyers try once, all at the same moment, as soon as there is a gateway. */
  async rush(count: number, hasDied = () => false): Promise<void> {
    await Promise.all(Array.from({ length: count }, async () => {
      const buyer = this.join()
      const answer = await eventually('an answer or a death', () => this.#try(buyer), (seen) => seen !== undefined || hasDied())
      if (answer?.status === 202) buyer.told = String(answer.body.id)
    }))
  }

  /** Reservations that buyers hold in Redis now, by buyer. */
  async held(): Promise<Map<string, string>> {
    const { redis, stock } = this.#system.world
    const ids = await Promise.all(this.buyers.map(({ id }) => redis.get(stock.keys.buyer(this.#saleId, id))))
    return new Map(this.buyers.flatMap(({ id }, i) => ids[i] ? [[id, ids[i]]] : []))
  }

  /** Everybody tries until accepted. Who held a reservation, or was told of one, must get that one. */
  async comeBack(): Promise<void> {
    const held = await this.held()
    await Promise.all(this.buyers.map(async (buyer) => {
      const answer = await eventually(`${buyer.id} to be accepted`, () => this.#try(buyer), (seen) => seen?.status === 202)
      const got = String(answer?.body.id)
      const before = { held: held.get(buyer.id) ?? got, told: buyer.told ?? got }
      expect(before, buyer.id).toEqual({ held: got, told: got })
      buyer.told = got
    }))
  }

  /** How the reservation of each buyer ended, in the order of their coming. */
  ends(): Promise<unknown[]> {
    return Promise.all(this.buyers.map(async ({ told, token }) => (await this.#system.settled(told ?? '', token)).status))
  }

  /** As many more buyers come as there are units; then all have an order, there are no other orders, and no unit is left. */
  async expectSoldThrough(units: number): Promise<void> {
    await this.rush(units - this.buyers.length)
    expect(await this.ends()).toEqual(Array<string>(units).fill('ORDERED'))
    expect(await this.#system.auditAtRest(this.#saleId)).toMatchObject({
      balanced: true, quiet: true, sales: [{ stock: units, sold: units, redisLeft: 0, orders: { PENDING_PAYMENT: units } }],
    })
  }

  #try({ token }: Buyer) {
    return this.#system.buy(this.#saleId, token).catch(() => undefined)
  }
}
