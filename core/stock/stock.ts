import type { Redis } from 'ioredis'
import { slicesOf } from '../platform/batches/slices.ts'
import { holderBit } from './holders.ts'
import { StockKeys } from './keys.ts'
import {
  type Ending,
  localId,
  memberOf,
  orderNote,
  type PendingReservation,
  pendingOf,
  readMember,
  type ReleaseOutcome,
  type ReservationName,
  type ReservationRecord,
  type ReservationRef,
  reservationsOf,
  saleOf,
  withOrder,
} from './reservation.ts'
import { type ReserveLimits, type ReserveOutcome, newLine, reserveOutcome, type ReserveRequest } from './reserving.ts'
import { KEPT_AFTER_END_MS, type SaleFigures, saleFigures } from './sale-figures.ts'
import { type Scripts, scriptsOn } from './scripts.ts'
import { serverRunId } from './server-run.ts'

/** Redis runs nothing else meanwhile. */
const SETTLED_PER_CALL_MAX = 64
/** A clock that is being set may step so far back. */
const CLOCK_LEEWAY_MS = 1_000

/**
 * The Redis ledger, typed. Every method is one command or one script, and throws when Redis does not answer in time.
 */
export class Stock {
  readonly keys: StockKeys
  readonly #redis: Redis
  readonly #scripts: Scripts
  /** Redis' clock when `performance.now()` was 0: a step of this process' clock must not move deadlines of scripts. */
  #redisOriginMs = performance.timeOrigin

  constructor(redis: Redis, keyPrefix: string) {
    this.keys = new StockKeys(keyPrefix)
    this.#redis = redis
    this.#scripts = scriptsOn(redis)
  }

  /** Checks everything and sets units aside, buyer by buyer, in one round trip for all of them. */
  async reserve(
    sale: Pick<SaleFigures, 'saleId' | 'epoch' | 'total' | 'holderUnits'>,
    requests: ReserveRequest[],
    limits: ReserveLimits,
  ): Promise<ReserveOutcome[]> {
    const { saleId, epoch, total, holderUnits = total } = sale
    const answers = await this.#scripts.reserve({
      keys: [
        this.keys.sale(saleId),
        this.keys.blacklist(saleId),
        this.keys.book(saleId),
        this.keys.pending(saleId),
        this.keys.undecided(saleId),
        this.keys.holders(saleId),
        this.keys.orders(saleId),
        this.keys.marks(saleId, 'even'),
        this.keys.marks(saleId, 'odd'),
      ],
      args: [
        epoch,
        1_000 / limits.buyer.ratePerSecond,
        limits.buyer.burst,
        1_000 / limits.address.ratePerSecond,
        limits.address.burst,
        limits.maxPending,
        this.clockMs() + limits.patienceMs,
        await serverRunId(this.#redis),
        limits.sale ? 1_000 / limits.sale.ratePerSecond : '',
        limits.sale?.burst ?? '',
      ],
      items: requests.map((request) => ({
        args: [
          request.buyerId,
          ` ${request.address}`,
          memberOf(request),
          newLine(request, epoch),
          request.quantity,
          request.limitPerBuyer,
          holderBit(request.buyerId, holderUnits),
        ],
      })),
    })
    return requests.map((request, i) => reserveOutcome(saleId, request, answers[i] ?? 'UNAVAILABLE'))
  }

  /** The broker has confirmed the messages: the entries need not be published again. */
  async confirmed(saleId: string, reservations: ReservationName[]): Promise<void> {
    await this.#redis.zrem(this.keys.pending(saleId), ...reservations.map(memberOf))
  }

  /**
   * Units left now and, when there are none, who may hold a reservation (see holders.ts); undefined when not loaded.
   */
  async survey(saleId: string): Promise<{ left: number; holders: Buffer } | undefined> {
    const [left, holders] = await this.#scripts.survey({ keys: [this.keys.sale(saleId), this.keys.holders(saleId)] })
    return left.length === 0 ? undefined : { left: Number(left), holders }
  }

  /** The reservations of a sale have become orders, or their orders were paid; in as few calls as may carry them. */
  async settle(
    saleId: string,
    status: 'ORDERED' | 'PAID',
    orders: (ReservationName & { orderId: string })[],
  ): Promise<void> {
    await Promise.all(
      slicesOf(orders, SETTLED_PER_CALL_MAX).map((some) =>
        this.#scripts.settle({
          keys: [this.keys.sale(saleId), this.keys.orders(saleId), this.keys.undecided(saleId)],
          args: [
            status,
            this.keys.changes(),
            `SETTLED ${saleId} ${some.map(({ reservationId }) => localId(reservationId)).join(' ')}`,
          ],
          items: some.map((order) => ({ args: [memberOf(order), orderNote(status, order.orderId)] })),
        }),
      ),
    )
  }

  /**
   * Ends a reservation without a sale, once. With `pendingEntry` only while that entry has not been taken over by a
   * resender: the caller's own publish was refused, and no other can have been made.
   */
  async release(ref: ReservationRef, ending: Ending, pendingEntry = ''): Promise<ReleaseOutcome> {
    const { saleId, reservationId, buyerId, quantity } = ref
    return this.#scripts.release({
      keys: [
        this.keys.sale(saleId),
        this.keys.book(saleId),
        this.keys.pending(saleId),
        this.keys.undecided(saleId),
        this.keys.orders(saleId),
      ],
      args: [
        localId(reservationId),
        buyerId,
        quantity,
        ending.status,
        ending.reason ?? '',
        ending.giveBack ? 1 : 0,
        pendingEntry,
        this.keys.changes(),
        saleId,
      ],
    })
  }

  /** Takes over at most `most` pending entries of at least that age. */
  async claimPending(saleId: string, olderThanMs: number, most: number): Promise<PendingReservation[]> {
    const claimed = await this.#scripts.claim({ keys: [this.keys.pending(saleId)], args: [olderThanMs, most] })
    const members = slicesOf(claimed, 2).map(([entry = '', member = '']) => ({ entry, ...readMember(saleId, member) }))
    const records = await this.readReservations(saleId, members)
    return members.flatMap(({ entry }, i) => {
      const record = records[i]
      return record ? [pendingOf(record, entry)] : []
    })
  }

  async countPending(saleId: string): Promise<number> {
    return this.#redis.zcard(this.keys.pending(saleId))
  }

  /** Reservations that are neither order nor rejected, oldest first, set aside before that moment. */
  async undecidedBefore(saleId: string, beforeMs: number, most: number): Promise<ReservationName[]> {
    const key = this.keys.undecided(saleId)
    const members = await this.#redis.zrange(key, '-inf', String(beforeMs), 'BYSCORE', 'LIMIT', 0, most)
    return members.map((member) => readMember(saleId, member))
  }

  /**
   * Lists reservations under the present that are listed under a time to come: they were set aside while Redis' clock
   * ran ahead, and would grow old only once it has come to that time.
   */
  async dateBackUndecided(saleId: string, nowMs: number, most: number): Promise<void> {
    const key = this.keys.undecided(saleId)
    const ahead = await this.#redis.zrange(key, String(nowMs + CLOCK_LEEWAY_MS), '+inf', 'BYSCORE', 'LIMIT', 0, most)
    // Only those that are still undecided, and never to a later time.
    if (ahead.length > 0) await this.#redis.zadd(key, 'XX', 'LT', ...ahead.flatMap((id) => [nowMs, id]))
  }

  /** Takes a reservation off the undecided that the book has no more. */
  async forgetUndecided(saleId: string, reservation: ReservationName): Promise<void> {
    await this.#redis.zrem(this.keys.undecided(saleId), memberOf(reservation))
  }

  async countUndecided(saleId: string): Promise<number> {
    return this.#redis.zcard(this.keys.undecided(saleId))
  }

  /** Reads Redis' clock to within a round trip; deadlines of scripts are by that clock. */
  async syncClock(): Promise<void> {
    const sentAtMs = performance.now()
    this.#redisOriginMs = (await this.nowMs()) - (sentAtMs + performance.now()) / 2
  }

  /** Redis' clock without asking it, as far as the last `syncClock` knows. */
  clockMs(): number {
    return this.#redisOriginMs + performance.now()
  }

  /** Redis' clock in ms since 1970. */
  async nowMs(): Promise<number> {
    const [seconds, micros] = await this.#redis.time()
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  }

  /** Undefined also while a sale that was never open is brought in: it has no units yet, and would look sold out. */
  async readSale(saleId: string): Promise<SaleFigures | undefined> {
    const sale = await this.#redis.hgetall(this.keys.sale(saleId))
    return sale.run_id === '' && sale.epoch === '1' ? undefined : saleFigures(saleId, sale)
  }

  /** Ids of the loaded sales that have not ended. */
  async openSaleIds(): Promise<string[]> {
    return this.#redis.zrange(this.keys.sales(), Date.now() + KEPT_AFTER_END_MS, '+inf', 'BYSCORE')
  }

  /** Ids of the loaded sales that have ended and whose data has not expired, from the `skip`-th on. */
  async endedSaleIds(skip: number, most: number): Promise<string[]> {
    const nowMs = Date.now()
    return this.#redis.zrange(this.keys.sales(), nowMs, `(${nowMs + KEPT_AFTER_END_MS}`, 'BYSCORE', 'LIMIT', skip, most)
  }

  /** Ids of the loaded sales that end last. */
  async lastSaleIds(most: number): Promise<string[]> {
    return (
      await this.#redis.zrange(this.keys.sales(), '+inf', String(Date.now()), 'BYSCORE', 'REV', 'LIMIT', 0, most)
    ).reverse()
  }

  /** Whether a sale is loaded, of several, in their order. */
  async areLoaded(saleIds: string[]): Promise<boolean[]> {
    if (saleIds.length === 0) return []
    const expiries = await this.#redis.zmscore(this.keys.sales(), ...saleIds)
    return expiries.map((expiry) => expiry !== null && Number(expiry) >= Date.now())
  }

  async readReservation(reservation: ReservationName): Promise<ReservationRecord | undefined> {
    const [record] = await this.readReservations(saleOf(reservation.reservationId), [reservation])
    return record
  }

  /** Of one sale, in their order. */
  async readReservations(saleId: string, reservations: ReservationName[]): Promise<(ReservationRecord | undefined)[]> {
    if (reservations.length === 0) return []
    const [records, orders] = await Promise.all([
      this.#redis.hmget(this.keys.book(saleId), ...reservations.map(({ buyerId }) => buyerId)),
      this.#redis.hmget(this.keys.orders(saleId), ...reservations.map(memberOf)),
    ])
    return reservations.map(({ reservationId, buyerId }, i) => {
      const held = reservationsOf(saleId, buyerId, records[i])
      const record = held.find((reservation) => reservation.reservationId === reservationId)
      return record && withOrder(record, orders[i])
    })
  }
}
