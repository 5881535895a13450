import type { RedisClient } from '../platform/stores/redis.ts'
import { groupBy, slicesOf } from '../platform/batches/divide.ts'
import { holderBit } from './holders.ts'
import { StockKeys } from './keys.ts'
import { LoadedLedgers } from './loaded-ledgers.ts'
import { RedisClock } from './redis-clock.ts'
import {
  type Ending,
  ledgerOf,
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
  withOrder,
} from './reservation.ts'
import {
  limitsOfShard,
  newLine,
  type ReserveLimits,
  type ReserveOutcome,
  reserveOutcome,
  type ReserveRequest,
  windowMsOf,
} from './reserving.ts'
import { readHashes } from './read-ledgers.ts'
import { type SaleFigures, saleFigures } from './sale-figures.ts'
import { type Scripts, scriptsOn } from './scripts.ts'
import { serverRunId } from './server-run.ts'
import { holderUnitsOf, ledgersOf } from './shards.ts'

/** Redis runs nothing else meanwhile. */
const SETTLED_PER_CALL_MAX = 64
/** A clock that is being set may step so far back. */
const CLOCK_LEEWAY_MS = 1_000

/** Pending entries of which the oldest reservation is taken. */
const PENDING_SAMPLE = 50

export interface Waiting {
  pending: number
  undecided: number
  /** By Redis' clock; Infinity when there is none. */
  oldestPendingMs: number
  oldestUndecidedMs: number
}

/**
 * The Redis ledger, typed. Every method is one command or one script, and throws when Redis does not answer in time. A
 * ledger is named as in shards.ts.
 */
export class Stock {
  readonly keys: StockKeys
  readonly loaded: LoadedLedgers
  readonly clock: RedisClock
  readonly #redis: RedisClient
  readonly #scripts: Scripts

  constructor(redis: RedisClient, keyPrefix: string) {
    this.keys = new StockKeys(keyPrefix)
    this.loaded = new LoadedLedgers(redis, this.keys.sales())
    this.clock = new RedisClock(redis, this.keys.sales())
    this.#redis = redis
    this.#scripts = scriptsOn(redis)
  }

  /**
   * Checks everything and sets units aside, buyer by buyer, in one round trip for all of them. The ids of the
   * reservations name the ledger, which is the same for all.
   */
  async reserve(
    sale: Pick<SaleFigures, 'saleId' | 'epoch' | 'total' | 'holderUnits' | 'shards' | 'opening'> & {
      terms?: number | undefined
    },
    requests: ReserveRequest[],
    limitsOfSale: ReserveLimits,
  ): Promise<ReserveOutcome[]> {
    const { epoch, shards = 1, opening } = sale
    const limits = limitsOfShard(limitsOfSale, shards)
    const windowMs = windowMsOf(limits)
    const [first] = requests
    if (!first) return []
    const ledger = ledgerOf(first.reservationId)
    const holderUnits = holderUnitsOf(sale, first.buyerId)
    const key = this.keys.sale(ledger)
    const answers = await this.#scripts.reserve({
      keys: [
        key,
        this.keys.blacklist(ledger),
        this.keys.book(ledger),
        this.keys.pending(ledger),
        this.keys.undecided(ledger),
        this.keys.holders(ledger),
        this.keys.orders(ledger),
        this.keys.marks(ledger, 'even', windowMs),
        this.keys.marks(ledger, 'odd', windowMs),
      ],
      args: [
        epoch,
        1_000 / limits.buyer.ratePerSecond,
        limits.buyer.burst,
        1_000 / limits.address.ratePerSecond,
        limits.address.burst,
        limits.maxPending,
        this.clock.nowMs(key) + limits.patienceMs,
        await serverRunId(this.#redis, key),
        limits.sale ? 1_000 / limits.sale.ratePerSecond : '',
        limits.sale?.burst ?? '',
        windowMs,
        sale.terms ?? '',
        opening?.ticket || opening?.draw ? requests.map((request) => request.ticketGivenAtMs ?? '-').join(' ') : '',
        opening?.lapses ? `${opening.lapses.max} ${opening.lapses.waitSeconds * 1_000}` : '',
      ],
      items: requests.map((request) => ({
        args: [
          request.buyerId,
          `\t${request.address}`,
          memberOf(request),
          newLine(request, epoch),
          request.quantity,
          request.limitPerBuyer,
          holderBit(request.buyerId, holderUnits),
        ],
      })),
    })
    return requests.map((request, i) => reserveOutcome(ledger, request, answers[i] ?? 'UNAVAILABLE'))
  }

  /** The broker has confirmed the messages: the entries need not be published again. */
  async confirmed(ledger: string, reservations: ReservationName[]): Promise<void> {
    await this.#redis.zrem(this.keys.pending(ledger), ...reservations.map(memberOf))
  }

  /**
   * Units left now and, when there are none, who may hold a reservation (see holders.ts); undefined when not loaded.
   */
  async survey(ledger: string): Promise<{ left: number; holders: Buffer } | undefined> {
    const [left, holders] = await this.#scripts.survey({ keys: [this.keys.sale(ledger), this.keys.holders(ledger)] })
    return left.length === 0 ? undefined : { left: Number(left), holders }
  }

  /** The reservations of a ledger have become orders, or their orders were paid; in as few calls as may carry them. */
  async settle(
    ledger: string,
    status: 'ORDERED' | 'PAID',
    orders: (ReservationName & { orderId: string })[],
  ): Promise<void> {
    await Promise.all(
      [...groupBy(orders, (order) => orderNote(status, order))].flatMap(([note, alike]) =>
        slicesOf(alike, SETTLED_PER_CALL_MAX).map((some) => this.#settle(ledger, note, some)),
      ),
    )
  }

  async #settle(ledger: string, note: string, reservations: ReservationName[]): Promise<number> {
    const ids = reservations.map(({ reservationId }) => localId(reservationId))
    return this.#scripts.settle({
      keys: [this.keys.sale(ledger), this.keys.orders(ledger), this.keys.undecided(ledger)],
      args: [note, this.keys.changes(), `SETTLED ${ledger} ${ids.join(' ')}`],
      items: reservations.map((reservation) => ({ args: [memberOf(reservation)] })),
    })
  }

  /**
   * Ends a reservation without a sale, once. With `pendingEntry` only while that entry has not been taken over by a
   * resender: the caller's own publish was refused, and no other can have been made.
   */
  async release(ref: ReservationRef, ending: Ending, pendingEntry = ''): Promise<ReleaseOutcome> {
    const { reservationId, buyerId, quantity } = ref
    const ledger = ledgerOf(reservationId)
    return this.#scripts.release({
      keys: [
        this.keys.sale(ledger),
        this.keys.book(ledger),
        this.keys.pending(ledger),
        this.keys.undecided(ledger),
        this.keys.orders(ledger),
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
        ledger,
      ],
    })
  }

  /** Takes over at most `most` pending entries of at least that age. */
  async claimPending(ledger: string, olderThanMs: number, most: number): Promise<PendingReservation[]> {
    const claimed = await this.#scripts.claim({ keys: [this.keys.pending(ledger)], args: [olderThanMs, most] })
    const members = slicesOf(claimed, 2).map(([entry = '', member = '']) => ({ entry, ...readMember(ledger, member) }))
    const records = await this.readReservations(ledger, members)
    return members.flatMap(({ entry }, i) => {
      const record = records[i]
      return record ? [pendingOf(record, entry)] : []
    })
  }

  async countPending(ledger: string): Promise<number> {
    return this.#redis.zcard(this.keys.pending(ledger))
  }

  /** Reservations that are neither order nor rejected, oldest first, set aside before that moment. */
  async undecidedBefore(ledger: string, beforeMs: number, most: number): Promise<ReservationName[]> {
    const key = this.keys.undecided(ledger)
    const members = await this.#redis.zrange(key, '-inf', String(beforeMs), 'BYSCORE', 'LIMIT', 0, most)
    return members.map((member) => readMember(ledger, member))
  }

  /**
   * Lists reservations under the present that are listed under a time to come: they were set aside while Redis' clock
   * ran ahead, and would grow old only once it has come to that time.
   */
  async dateBackUndecided(ledger: string, nowMs: number, most: number): Promise<void> {
    const key = this.keys.undecided(ledger)
    const ahead = await this.#redis.zrange(key, String(nowMs + CLOCK_LEEWAY_MS), '+inf', 'BYSCORE', 'LIMIT', 0, most)
    // Only those that are still undecided, and never to a later time.
    if (ahead.length > 0) await this.#redis.zadd(key, 'XX', 'LT', ...ahead.flatMap((id) => [nowMs, id]))
  }

  /** Takes a reservation off the undecided that the book has no more. */
  async forgetUndecided(ledger: string, reservation: ReservationName): Promise<void> {
    await this.#redis.zrem(this.keys.undecided(ledger), memberOf(reservation))
  }

  async countUndecided(ledger: string): Promise<number> {
    return this.#redis.zcard(this.keys.undecided(ledger))
  }

  /**
   * The sum of a sale's shards. Undefined also while a sale that was never open is brought in: it has no units yet, and
   * would look sold out.
   */
  async readSale(saleId: string): Promise<SaleFigures | undefined> {
    const sale = await this.#redis.hgetall(this.keys.sale(saleId))
    const hashes = sale.shards
      ? await readHashes(this.#redis, this.keys, ledgersOf(saleId, Number(sale.shards)))
      : [sale]
    const isNew = hashes.some(({ run_id: runId, epoch }) => runId === '' && epoch === '1')
    return isNew ? undefined : saleFigures(saleId, hashes)
  }

  /** Undefined when Redis has no such sale. */
  async readEpoch(saleId: string): Promise<number | undefined> {
    const epoch = await this.#redis.hget(this.keys.sale(saleId), 'epoch')
    return epoch === null ? undefined : Number(epoch)
  }

  /** Reservations of a sale that the broker has not confirmed, and those that are neither order nor rejected. */
  async countWaiting(saleId: string, shards = 1): Promise<{ pending: number; undecided: number }> {
    const counts = await Promise.all(
      ledgersOf(saleId, shards).map((ledger) => Promise.all([this.countPending(ledger), this.countUndecided(ledger)])),
    )
    return {
      pending: counts.reduce((sum, [pending]) => sum + pending, 0),
      undecided: counts.reduce((sum, [, undecided]) => sum + undecided, 0),
    }
  }

  /** What waits in a ledger: as `countWaiting`, and when the oldest of each was set aside. */
  async readWaiting(ledger: string): Promise<Waiting> {
    const [pendingKey, undecidedKey] = [this.keys.pending(ledger), this.keys.undecided(ledger)]
    const [pending, undecided, oldest, unconfirmed] = await Promise.all([
      this.#redis.zcard(pendingKey),
      this.#redis.zcard(undecidedKey),
      this.#redis.zrange(undecidedKey, 0, '0'),
      // By when they were last sent again, which says nothing of their age.
      this.#redis.zrange(pendingKey, 0, String(PENDING_SAMPLE - 1)),
    ])
    const members = [...oldest, ...unconfirmed]
    const times = members.length === 0 ? [] : await this.#redis.zmscore(undecidedKey, ...members)
    // Without a time there: decided, so that its message has arrived.
    const setAsideMs = times.map((time) => (time === null ? Infinity : Number(time)))
    const oldestPendingMs = Math.min(...setAsideMs.slice(oldest.length))
    return { pending, undecided, oldestPendingMs, oldestUndecidedMs: setAsideMs[0] ?? Infinity }
  }

  async readReservation(reservation: ReservationName): Promise<ReservationRecord | undefined> {
    const [record] = await this.readReservations(ledgerOf(reservation.reservationId), [reservation])
    return record
  }

  /** All of a buyer in one ledger, oldest first, without what settle.lua notes of orders. */
  async readOfBuyer(ledger: string, buyerId: string): Promise<ReservationRecord[]> {
    return reservationsOf(ledger, buyerId, await this.#redis.hget(this.keys.book(ledger), buyerId))
  }

  /** Of one ledger, in their order. */
  async readReservations(ledger: string, reservations: ReservationName[]): Promise<(ReservationRecord | undefined)[]> {
    if (reservations.length === 0) return []
    const [records, orders] = await Promise.all([
      this.#redis.hmget(this.keys.book(ledger), ...reservations.map(({ buyerId }) => buyerId)),
      this.#redis.hmget(this.keys.orders(ledger), ...reservations.map(memberOf)),
    ])
    return reservations.map(({ reservationId, buyerId }, i) => {
      const held = reservationsOf(ledger, buyerId, records[i])
      const record = held.find((reservation) => reservation.reservationId === reservationId)
      return record && withOrder(record, orders[i])
    })
  }
}
