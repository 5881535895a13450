import type { Redis } from 'ioredis'
import type { StockKeys } from '../stock/keys.ts'
import { NAMED_MAX } from './report.ts'

/** The sale's part of Redis, of one instant. */
export interface StockReading {
  /** Null when Redis holds no data of the sale. */
  left: number | null
  epoch: number | null
  /** Of the server run in which the data is known to be right; empty while the door is closed. */
  runId: string | null
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
  /** Whether it stands among the undecided, where the sweeper looks. */
  isListed: boolean
}

const SCAN_COUNT = 1_000

export async function readStock(redis: Redis, keys: StockKeys, saleId: string, undecidedSinceMs: number): Promise<StockReading> {
  const answers = await redis.multi()
    .hmget(keys.sale(saleId), 'stock', 'epoch', 'run_id')
    .xlen(keys.pending(saleId))
    .zcard(keys.undecided(saleId))
    .zrange(keys.undecided(saleId), '-inf', String(undecidedSinceMs), 'BYSCORE', 'LIMIT', 0, NAMED_MAX)
    .exec()
  const [sale, pending, undecided, overdue] = (answers ?? []).map(([error, value]) => {
    if (error) throw error
    return value
  }) as [(string | null)[], number, number, string[]]
  const number = (value: string | null = null) => (value === null ? null : Number(value))
  return { left: number(sale[0]), epoch: number(sale[1]), runId: sale[2] ?? null, pending, undecided, overdue }
}

/** Redis' clock in ms since 1970, and the run id of the server. */
export async function readServer(redis: Redis): Promise<{ nowMs: number; runId: string }> {
  const [[seconds, micros], info] = await Promise.all([redis.time(), redis.info('server')])
  return { nowMs: Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000), runId: /^run_id:(\w+)/m.exec(info)?.[1] ?? '' }
}

/**
 * Every reservation that Redis has of one sale, or of all, page by page. It walks through all keys (SCAN), since no list
 * that the services keep would show what has fallen out of it. An id may come twice.
 */
export async function* scanReservations(redis: Redis, keys: StockKeys, saleId: string | undefined): AsyncGenerator<StockRecord[]> {
  const pattern = keys.reservation(saleId ?? '*', '*')
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
    cursor = next
    const records = await Promise.all(found.map((key) => readRecord(redis, keys, key)))
    yield records.filter((record) => record !== undefined)
  } while (cursor !== '0')
}

async function readRecord(redis: Redis, keys: StockKeys, key: string): Promise<StockRecord | undefined> {
  const reservationId = key.slice(key.lastIndexOf(':') + 1)
  const [[status, reason, buyerId, quantity, reservedAtMs], score] = await Promise.all([
    redis.hmget(key, 'status', 'reason', 'buyer_id', 'quantity', 'reserved_at_ms'),
    redis.zscore(keys.undecided(saleOfReservation(reservationId)), reservationId),
  ])
  if (!status) return undefined
  return {
    reservationId, status, reason: reason ?? '', buyerId: buyerId ?? '',
    quantity: Number(quantity), reservedAtMs: Number(reservedAtMs), isListed: score !== null,
  }
}

/** A reservation's id begins with its sale's and a dot; a sale's id has none. */
export const saleOfReservation = (reservationId: string) => reservationId.slice(0, reservationId.indexOf('.'))
