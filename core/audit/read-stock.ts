import { type RedisClient, serversOf } from '../platform/stores/redis.ts'
import { slicesOf } from '../platform/batches/divide.ts'
import type { StockKeys } from '../stock/keys.ts'
import { memberOf, readMember, type ReservationRecord, reservationsOf, withOrder } from '../stock/reservation.ts'
import { areOpen, readLedgers } from '../stock/read-ledgers.ts'
import { movesIn, type SaleFigures, saleFigures } from '../stock/sale-figures.ts'
import { ledgersOf, saleOf } from '../stock/shards.ts'
import type { DatabaseSale } from './read-database.ts'
import { NAMED_MAX } from './report.ts'

/** The sale's part of Redis, of one instant, all of its shards together. */
export interface StockReading {
  /** Null when Redis holds no data of the sale. */
  left: number | null
  /** Units among those left that are under way from one shard to another, or whose arrival is to be noted. */
  moving: number
  /** Null also when the shards are of different epochs. */
  epoch: number | null
  /** Whether all of the ledger is known to be right in the runs of its servers. */
  isOpen: boolean
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
  redis: RedisClient,
  keys: StockKeys,
  { saleId, row: { shards } }: Pick<DatabaseSale, 'saleId' | 'row'>,
  undecidedSinceMs: number,
): Promise<StockReading> {
  const names = ledgersOf(saleId, shards)
  const ledgers = await readLedgers<[pending: number, undecided: number, overdue: string[]]>(
    redis,
    keys,
    names,
    (reading, ledger) =>
      reading
        .zcard(keys.pending(ledger))
        .zcard(keys.undecided(ledger))
        .zrange(keys.undecided(ledger), '-inf', String(undecidedSinceMs), 'BYSCORE', 'LIMIT', 0, NAMED_MAX),
  )
  const hashes = ledgers.map(([hash]) => hash)
  const [first = {}] = hashes
  const figures = saleFigures(saleId, hashes)
  const hasStock = hashes.every(({ stock }) => stock !== undefined)
  return {
    left: figures && hasStock ? figures.left : null,
    moving: movesIn(hashes).reduce((sum, { units }) => sum + units, 0),
    epoch: figures?.epoch ?? null,
    isOpen: await areOpen(redis, keys, names, hashes),
    figures,
    reconciledAtMs: first.reconciled_at_ms === undefined ? null : Number(first.reconciled_at_ms),
    pending: ledgers.reduce((sum, [, pending]) => sum + pending, 0),
    undecided: ledgers.reduce((sum, [, , undecided]) => sum + undecided, 0),
    overdue: ledgers
      .flatMap(([, , , overdue], shard) =>
        overdue.map((member) => readMember(names[shard] ?? saleId, member).reservationId),
      )
      .slice(0, NAMED_MAX),
  }
}

/**
 * Every reservation that Redis has of one sale, or of all, page by page. By SCAN over all keys, because a list that the
 * services keep would not show what is missing in it. One may come twice.
 */
export async function* scanSales(
  redis: RedisClient,
  keys: StockKeys,
  saleId: string | undefined,
): AsyncGenerator<StockRecord[]> {
  // With the shards of the sale, and those of sales whose ids begin like it.
  const pattern = keys.book(`${saleId ?? ''}*`)
  for (const server of serversOf(redis)) {
    let cursor = '0'
    do {
      const [next, books] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
      cursor = next
      for (const book of books) {
        const ledger = book.slice(book.indexOf('{') + 1, book.lastIndexOf('}'))
        if (saleId === undefined || saleOf(ledger) === saleId) yield* scanBook(redis, keys, ledger)
      }
    } while (cursor !== '0')
  }
}

async function* scanBook(redis: RedisClient, keys: StockKeys, ledger: string): AsyncGenerator<StockRecord[]> {
  let cursor = '0'
  do {
    const [next, pairs] = await redis.hscan(keys.book(ledger), cursor, 'COUNT', SCAN_COUNT)
    cursor = next
    const booked = slicesOf(pairs, 2).flatMap(([buyerId = '', record]) => reservationsOf(ledger, buyerId, record))
    const notes = booked.length > 0 ? await redis.hmget(keys.orders(ledger), ...booked.map(memberOf)) : []
    const records = booked.map((record, i) => withOrder(record, notes[i]))
    // One that was decided since is not listed, and its decision is read later still.
    const undecided = records.filter(({ status }) => status === 'RESERVED').map(memberOf)
    const times = undecided.length > 0 ? await redis.zmscore(keys.undecided(ledger), ...undecided) : []
    const listed = new Set(undecided.filter((_, i) => times[i] !== null))
    yield records.map((record) => ({ ...record, isListed: listed.has(memberOf(record)) }))
  } while (cursor !== '0')
}
