import { Buyer, type BuyerCall } from '../../control-room/crowd/buyer.ts'
import type { AuditReport } from '../../core/audit/report.ts'
import { ledgerForBuyer } from '../../core/stock/shards.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { eventually } from './eventually.ts'
import { type Answer, call } from './http-client.ts'
import { inParallel } from './parallel.ts'
import { stretched } from './patience.ts'
import { reserveOne } from './reserve-one.ts'
import type { System } from './system.ts'
import { reservationsIn } from './find-reservation.ts'

/** A gateway's start on a loaded machine. */
const START_TAKES_MS = 60_000
/** Longer than any wait of the gateway: a buyer without an answer by then hangs. */
const HANG_MS = 15_000
const AT_ONCE = 10
const LIVE = new Set(['RESERVED', 'ORDERED', 'PAID'])

interface Member {
  buyer: Buyer<Answer>
  /** The reservation of a 202. */
  told?: string
}

/** Simulated buyers of one sale, who come back when they were not answered. */
export class Crowd {
  readonly members: Member[] = []
  /** Answers to the buyers of `comeInTurn`. */
  readonly answers: Answer[] = []
  readonly #refused: Member[] = []
  readonly #system: System
  readonly #saleId: string
  readonly #sign: (buyerId: string) => string

  constructor(system: System, saleId: string) {
    this.#system = system
    this.#saleId = saleId
    // Signed here: the gateway may be down.
    this.#sign = createTokens(system.env.TOKEN_SECRET ?? '').sign
  }

  #join(): Member {
    const id = `buyer-${this.members.length}`
    const member = { buyer: new Buyer(id, this.#sign(id), (buyerCall) => this.#send(buyerCall)) }
    this.members.push(member)
    return member
  }

  #send({ method, to, token, body, key }: BuyerCall): Promise<Answer> {
    const signal = AbortSignal.timeout(stretched(HANG_MS))
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    return call(method, this.#system.url(to), { token, body, headers, signal })
  }

  /**
   * A buyer whose gateway died right after the script took their unit; returns the reservation and its pending entry.
   */
  async joinUnanswered(): Promise<{ reservationId: string; buyerId: string; entry: string }> {
    const member = this.#join()
    const { id: buyerId } = member.buyer
    const { stock } = this.#system.world
    const sale = await stock.readSale(this.#saleId)
    if (!sale) throw new Error(`Redis has no ${this.#saleId}`)
    const reservationId = `${ledgerForBuyer(sale, buyerId)}.${buyerId.padEnd(22, '-')}`
    member.told = reservationId
    const outcome = await reserveOne(stock, sale, { reservationId, buyerId })
    if (outcome.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${JSON.stringify(outcome)}`)
    return { reservationId, buyerId, entry: outcome.pendingEntry }
  }

  /** New buyers come, four at a time, until the process has died. */
  async comeUntil(hasDied: () => boolean): Promise<void> {
    do await this.come(4, hasDied)
    while (!hasDied())
  }

  /** So many new buyers try once, all at the same moment, as soon as there is a gateway. */
  async come(count: number, hasDied = () => false): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, async () => {
        const member = this.#join()
        const answer = await eventually(
          'an answer or a death',
          () => this.#try(member),
          (seen) => seen !== undefined || hasDied(),
          START_TAKES_MS,
        )
        if (answer?.status === 202) member.told = String(answer.body.id)
      }),
    )
  }

  /**
   * So many buyers try, ten at a time: those who were refused before, then new ones. 503 UNAVAILABLE is tried again.
   * @throws when a buyer gets no answer
   */
  async comeInTurn(count: number): Promise<Answer[]> {
    return await inParallel(count, AT_ONCE, async () => {
      const member = this.#refused.shift() ?? this.#join()
      const answer = await eventually(
        'an answer that is known',
        () => member.buyer.reserve(this.#saleId),
        ({ body }) => body.code !== 'UNAVAILABLE',
      )
      this.answers.push(answer)
      if (answer.status === 202) member.told = String(answer.body.id)
      else this.#refused.push(member)
      return answer
    })
  }

  get accepted(): Answer[] {
    return this.answers.filter(({ status }) => status === 202)
  }

  /** Waits for the end of every accepted reservation; returns the statuses that occurred. */
  async ends(): Promise<string[]> {
    const told = this.members.filter((member) => member.told !== undefined)
    const ends = await inParallel(told.length, AT_ONCE, (i) =>
      this.#system.settled(told[i]?.told ?? '', told[i]?.buyer.token ?? ''),
    )
    return [...new Set(ends.map(({ status }) => String(status)))]
  }

  /** Reservations that buyers hold in Redis now, by buyer. */
  async held(): Promise<Map<string, string>> {
    const live = (await reservationsIn(this.#system.world, this.#saleId)).filter(({ status }) => LIVE.has(status))
    return new Map(live.map(({ buyerId, reservationId }) => [buyerId, reservationId]))
  }

  /** Every buyer tries until accepted. @throws when one who held a reservation, or was told of one, gets another. */
  async #comeBack(): Promise<void> {
    const held = await this.held()
    await Promise.all(
      this.members.map(async (member) => {
        const { id } = member.buyer
        const answer = await eventually(
          `${id} to be accepted`,
          () => this.#try(member),
          (seen) => seen?.status === 202,
        )
        const got = String(answer?.body.id)
        for (const before of [held.get(id), member.told]) {
          if (before !== undefined && before !== got)
            throw new Error(`${id} got ${got}, expected the reservation they had: ${before}`)
        }
        member.told = got
      }),
    )
  }

  /** Waits until the reservation of each buyer is of that status. */
  async allAre(status: 'ORDERED' | 'CANCELLED' | 'REJECTED'): Promise<void> {
    await Promise.all(this.members.map(({ told, buyer }) => this.#system.settled(told ?? '', buyer.token, [status])))
  }

  /** All come back, and as many more as there are units; when all have their orders, the audit at rest. */
  async sellThrough(units: number): Promise<AuditReport> {
    if (units < this.members.length)
      throw new Error(`Expected no more than ${units} buyers so far, got ${this.members.length}`)
    await this.#comeBack()
    await this.come(units - this.members.length)
    return this.allServed()
  }

  /** All come back; when all have their orders, the audit at rest. */
  async allServed(): Promise<AuditReport> {
    await this.#comeBack()
    await this.allAre('ORDERED')
    return this.#system.auditAtRest(this.#saleId)
  }

  #try({ buyer }: Member): Promise<Answer | undefined> {
    return buyer.reserve(this.#saleId).catch(() => undefined)
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
