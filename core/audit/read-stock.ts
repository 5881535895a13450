import type { Redis } from 'ioredis'
import { slicesOf } from '../platform/batches/slices.ts'
import type { StockKeys } from '../stock/keys.ts'
import { memberOf, readMember, type ReservationRecord, reservationsOf, withOrder } from '../stock/reservation.ts'
import { type SaleFigures, saleFigures } from '../stock/sale-figures.ts'
import { NAMED_MAX } from './report.ts'

/** The sale's part of Redis, of one instant. */
export interface StockReading {
  /** Null when Redis holds no data of the sale. */
  left: number | null
  epoch: number | null
  /** Of the server run in which the ledger is known to be right; empty while the sale is closed. */
  runId: string | null
  /** The sale's figures in the ledger. */
  figures: SaleFigures | undefined
  /** When the cancel worker last reconciled it. */
  reconciledAtMs: number | null
  pending: number
  undecided: number
  /** Ids of the undecided since before the limit, oldest first; at most NAMED_MAX. */
  overdue: string[]
}

export interface StockRecord extends ReservationRecord {
  /** Whether it is among the undecided, which the sweeper reads. */
  isListed: boolean
}

const SCAN_COUNT = 1_000

export async function readStock(
  redis: Redis,
  keys: StockKeys,
  saleId: string,
  undecidedSinceMs: number,
): Promise<StockReading> {
  const answers = await redis
    .multi()
    .hgetall(keys.sale(saleId))
    .zcard(keys.pending(saleId))
    .zcard(keys.undecided(saleId))
    .zrange(keys.undecided(saleId), '-inf', String(undecidedSinceMs), 'BYSCORE', 'LIMIT', 0, NAMED_MAX)
    .exec()
  const [sale, pending, undecided, overdue] = (answers ?? []).map(([error, value]) => {
    if (error) throw error
    return value
  }) as [Record<string, string>, number, number, string[]]
  const number = (value: string | undefined) => (value === undefined ? null : Number(value))
  return {
    left: number(sale.stock),
    epoch: number(sale.epoch),
    runId: sale.run_id ?? null,
    figures: saleFigures(saleId, sale),
    reconciledAtMs: number(sale.reconciled_at_ms),
    pending,
    undecided,
    overdue: overdue.map((member) => readMember(saleId, member).reservationId),
  }
}

/** Redis' clock in ms since 1970, and the run id of the server. */
export async function readServer(redis: Redis): Promise<{ nowMs: number; runId: string }> {
  const [[seconds, micros], info] = await Promise.all([redis.time(), redis.info('server')])
  return {
    nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000),
    runId: /^run_id:(\w+)/m.exec(info)?.[1] ?? '',
  }
}

/**
 * Every reservation that Redis has of one sale, or of all, page by page. By SCAN over all keys, because a list that the
 * services keep would not show what is missing in it. One may come twice.
 */
export async function* scanSales(
  redis: Redis,
  keys: StockKeys,
  saleId: string | undefined,
): AsyncGenerator<StockRecord[]> {
  const pattern = keys.book(saleId ?? '*')
  let cursor = '0'
  do {
    const [next, books] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
    cursor = next
    for (const book of books) yield* scanBook(redis, keys, book)
  } while (cursor !== '0')
}

async function* scanBook(redis: Redis, keys: StockKeys, book: string): AsyncGenerator<StockRecord[]> {
  const saleId = book.slice(book.indexOf('{') + 1, book.lastIndexOf('}'))
  let cursor = '0'
  do {
    const [next, pairs] = await redis.hscan(book, cursor, 'COUNT', SCAN_COUNT)
    cursor = next
    const booked = slicesOf(pairs, 2).flatMap(([buyerId = '', record]) => reservationsOf(saleId, buyerId, record))
    const notes = booked.length > 0 ? await redis.hmget(keys.orders(saleId), ...booked.map(memberOf)) : []
    const records = booked.map((record, i) => withOrder(record, notes[i]))
    // One that was decided since is not listed, and its decision is read later still.
    const undecided = records.filter(({ status }) => status === 'RESERVED').map(memberOf)
    const times = undecided.length > 0 ? await redis.zmscore(keys.undecided(saleId), ...undecided) : []
    const listed = new Set(undecided.filter((_, i) => times[i] !== null))
    yield records.map((record) => ({ ...record, isListed: listed.has(memberOf(record)) }))
  } while (cursor !== '0')
}
