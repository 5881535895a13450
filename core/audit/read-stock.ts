import type { Redis } from 'ioredis'
import type { StockKeys } from '../stock/keys.ts'
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
  /** Undecided since before the limit, oldest first; at most NAMED_MAX. */
  overdue: string[]
}

export interface StockRecord {
  reservationId: string
  status: string
  reason: string
  buyerId: string
  quantity: number
  reservedAtMs: number
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
    .xlen(keys.pending(saleId))
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
    overdue,
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
 * A buyer whose mark names a reservation that they do not have, so that they are answered with it and can never buy
 * again.
 */
export interface StaleMark {
  saleId: string
  buyerId: string
  what: 'has ended' | 'is not there'
}

/**
 * Every reservation that Redis has of one sale, or of all, page by page, and every stale mark. By SCAN over all keys,
 * because a list that the services keep would not show what is missing in it. An id may come twice.
 */
export async function* scanSales(
  redis: Redis,
  keys: StockKeys,
  saleId: string | undefined,
): AsyncGenerator<{ records: StockRecord[]; staleMarks: StaleMark[] }> {
  const pattern = keys.every(saleId ?? '*')
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
    cursor = next
    const [records, marks] = await Promise.all([
      Promise.all(found.filter((key) => kindOf(key) === 'reservation').map((key) => readRecord(redis, keys, key))),
      Promise.all(found.filter((key) => kindOf(key) === 'buyer').map((key) => readMark(redis, keys, key))),
    ])
    yield {
      records: records.filter((record) => record !== undefined),
      staleMarks: marks.filter((mark) => mark !== undefined),
    }
  } while (cursor !== '0')
}

/** `<prefix>{<sale>}:<kind>:<id>`; a buyer's id may hold colons, a sale's holds no brace. */
const kindOf = (key: string) => key.slice(key.indexOf('}:') + 2).split(':', 1)[0]

const ENDED = ['CANCELLED', 'REFUNDED', 'REJECTED']

/**
 * The status is read between two readings of the mark: a mark that still names an ended reservation is stale.
 */
async function readMark(redis: Redis, keys: StockKeys, key: string): Promise<StaleMark | undefined> {
  const reservationId = await redis.get(key)
  if (reservationId === null) return undefined
  const saleId = key.slice(key.indexOf('{') + 1, key.indexOf('}:'))
  const status = await redis.hget(keys.reservation(saleId, reservationId), 'status')
  if (status !== null && !ENDED.includes(status)) return undefined
  if ((await redis.get(key)) !== reservationId) return undefined
  return {
    saleId,
    buyerId: key.slice(key.indexOf('}:buyer:') + '}:buyer:'.length),
    what: status === null ? 'is not there' : 'has ended',
  }
}

async function readRecord(redis: Redis, keys: StockKeys, key: string): Promise<StockRecord | undefined> {
  const reservationId = key.slice(key.lastIndexOf(':') + 1)
  const [[status, reason, buyerId, quantity, reservedAtMs], score] = await Promise.all([
    redis.hmget(key, 'status', 'reason', 'buyer_id', 'quantity', 'reserved_at_ms'),
    redis.zscore(keys.undecided(saleOfReservation(reservationId)), reservationId),
  ])
  if (!status) return undefined
  return {
    reservationId,
    status,
    reason: reason ?? '',
    buyerId: buyerId ?? '',
    quantity: Number(quantity),
    reservedAtMs: Number(reservedAtMs),
    isListed: score !== null,
  }
}

/** A reservation's id begins with its sale's and a dot; a sale's id has none. */
export const saleOfReservation = (reservationId: string) => reservationId.slice(0, reservationId.indexOf('.'))
