import type { AuditReport } from '../../core/audit/report.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { eventually } from './eventually.ts'
import { reserveOne } from './reserve-one.ts'
import type { System } from './system.ts'

/** Until a gateway that is just being started answers, on a machine that has other work. */
const START_TAKES_MS = 60_000

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

  #join(): Buyer {
    const id = `buyer-${this.buyers.length}`
    const buyer = { id, token: this.#sign(id) }
    this.buyers.push(buyer)
    return buyer
  }

  /**
   * A buyer whose gateway died right after the script took their unit; returns the reservation and its pending entry.
   */
  async joinUnanswered(): Promise<{ reservationId: string; buyerId: string; entry: string }> {
    const buyer = this.#join()
    const { stock } = this.#system.world
    const sale = await stock.readSale(this.#saleId)
    if (!sale) throw new Error(`Redis has no ${this.#saleId}`)
    buyer.told = `${this.#saleId}.${buyer.id.padEnd(22, '-')}`
    const outcome = await reserveOne(stock, sale, { reservationId: buyer.told, buyerId: buyer.id })
    if (outcome.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${JSON.stringify(outcome)}`)
    return { reservationId: buyer.told, buyerId: buyer.id, entry: outcome.pendingEntry }
  }

  /** New buyers come, some at a time, until somebody has died of it. */
  async rushUntil(hasDied: () => boolean): Promise<void> {
    do await this.rush(4, hasDied)
    while (!hasDied())
  }

  /** So many new buyers try once, all at the same moment, as soon as there is a gateway. */
  async rush(count: number, hasDied = () => false): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const buyer = this.#join()
        const answer = await eventually(
          'an answer or a death',
          () => this.#try(buyer),
          (seen) => seen !== undefined || hasDied(),
          START_TAKES_MS,
        )
        if (answer?.status === 202) buyer.told = String(answer.body.id)
      }),
    )
  }

  /** Reservations that buyers hold in Redis now, by buyer. */
  async held(): Promise<Map<string, string>> {
    const { redis, stock } = this.#system.world
    const ids = await Promise.all(this.buyers.map(({ id }) => redis.get(stock.keys.buyer(this.#saleId, id))))
    return new Map(this.buyers.flatMap(({ id }, i) => (ids[i] ? [[id, ids[i]]] : [])))
  }

  /** Everybody tries until accepted. @throws when one who held a reservation, or was told of one, gets another. */
  async #comeBack(): Promise<void> {
    const held = await this.held()
    await Promise.all(
      this.buyers.map(async (buyer) => {
        const answer = await eventually(
          `${buyer.id} to be accepted`,
          () => this.#try(buyer),
          (seen) => seen?.status === 202,
        )
        const got = String(answer?.body.id)
        for (const before of [held.get(buyer.id), buyer.told]) {
          if (before !== undefined && before !== got)
            throw new Error(`${buyer.id} got ${got}, expected the reservation they had: ${before}`)
        }
        buyer.told = got
      }),
    )
  }

  /** Waits until the reservation of each buyer is of that status. */
  async allAre(status: 'ORDERED' | 'CANCELLED' | 'REJECTED'): Promise<void> {
    await Promise.all(this.buyers.map(({ told, token }) => this.#system.settled(told ?? '', token, [status])))
  }

  /** All come back, and as many more as there are units; when all have their orders, the audit at rest. */
  async sellThrough(units: number): Promise<AuditReport> {
    if (units < this.buyers.length)
      throw new Error(`Expected no more than ${units} buyers so far, got ${this.buyers.length}`)
    await this.#comeBack()
    await this.rush(units - this.buyers.length)
    return this.allServed()
  }

  /** All come back; when all have their orders, the audit at rest. */
  async allServed(): Promise<AuditReport> {
    await this.#comeBack()
    await this.allAre('ORDERED')
    return this.#system.auditAtRest(this.#saleId)
  }

  #try({ token }: Buyer) {
    return this.#system.buy(this.#saleId, token).catch(() => undefined)
  }
}

/** The audit of a sale that has sold one unit to each of so many buyers, and has all others left. */
export const soldTo = (buyers: number, units: number) => ({
  balanced: true,
  quiet: true,
  sales: [{ stock: units, sold: buyers, redisLeft: units - buyers, orders: { PENDING_PAYMENT: buyers } }],
})

/** The same, all units of which are in orders. */
export const soldThrough = (units: number) => soldTo(units, units)
