import type { RedisClient } from '../platform/stores/redis.ts'
import type { Database } from '../platform/stores/database.ts'
import type { StockKeys } from '../stock/keys.ts'
import { ledgerOf } from '../stock/reservation.ts'
import { ledgerForBuyer, saleOf } from '../stock/shards.ts'
import { scanSales, type StockRecord } from './read-stock.ts'
import { type AuditLimits, type CheckId, type Finding, NAMED_MAX } from './report.ts'

/** What PostgreSQL says of a reservation. */
export interface Decided {
  outcome: 'ORDERED' | 'REJECTED'
  buyerId: string
  quantity: number
  orderStatus: 'PENDING_PAYMENT' | 'PAID' | 'CANCELLED' | 'REFUNDED' | null
  /** Since the last change, by the database's clock. */
  ageMs: number
}

const LIVE = new Set(['RESERVED', 'ORDERED', 'PAID'])

type Mismatch = Pick<Finding, 'state' | 'what' | 'check'> | undefined

/** The status that the ledger has once the order is settled, and those that it may have until then. */
const SETTLED = {
  PENDING_PAYMENT: ['ORDERED'],
  PAID: ['PAID'],
  CANCELLED: ['CANCELLED'],
  REFUNDED: ['REFUNDED'],
} as const
const NOT_SETTLED_YET = {
  PENDING_PAYMENT: ['RESERVED'],
  PAID: ['RESERVED', 'ORDERED'],
  CANCELLED: ['RESERVED', 'ORDERED'],
  REFUNDED: ['RESERVED', 'ORDERED', 'PAID'],
} as const

/**
 * Compares a reservation in Redis with its decision, which was read *later*. PostgreSQL decides first and takes nothing
 * back, so Redis may only be behind; a reservation that is ahead, or contradicts, is wrong at any time.
 */
function mismatchOf(record: StockRecord, decided: Decided | undefined, nowMs: number, limits: AuditLimits): Mismatch {
  if (!decided) return undecidedMismatch(record, nowMs, limits)
  if (record.buyerId !== decided.buyerId || record.quantity !== decided.quantity)
    return wrong('reservations whose decision is about another buyer or quantity')
  const behind =
    decided.ageMs > limits.settlingMs
      ? wrong('reservations that were not settled in time', 7)
      : inFlight('reservations that are not settled yet', 7)

  if (decided.outcome === 'REJECTED') {
    if (record.status === 'REJECTED') return undefined
    return record.status === 'RESERVED' ? behind : wrong('reservations REJECTED in PostgreSQL and not in Redis')
  }
  // A missing order is reported by the database rules.
  if (decided.orderStatus === null) return undefined
  const isOneOf = (statuses: readonly string[]) => statuses.includes(record.status)
  if (isOneOf(SETTLED[decided.orderStatus])) return undefined
  return isOneOf(NOT_SETTLED_YET[decided.orderStatus])
    ? behind
    : wrong(`reservations ${record.status} in Redis whose order is ${decided.orderStatus}`)
}

function undecidedMismatch(record: StockRecord, nowMs: number, limits: AuditLimits): Mismatch {
  // The broker refused the message and the gateway released the reservation: it was never to be decided.
  if (record.status === 'REJECTED' && record.reason === 'BUSY') return undefined
  if (record.status !== 'RESERVED') return wrong(`reservations ${record.status} in Redis that were never decided`)
  if (!record.isListed) return wrong('reservations that are missing among the undecided ones, which the sweeper reads')
  return nowMs - record.reservedAtMs > limits.undecidedMs
    ? wrong('reservations undecided for too long')
    : inFlight('reservations undecided')
}

const wrong = (what: string, check: CheckId = 3): Mismatch => ({ state: 'wrong', what, check })
const inFlight = (what: string, check: CheckId = 3): Mismatch => ({ state: 'in flight', what, check })

export interface MatchSources {
  database: Database
  redis: RedisClient
  keys: StockKeys
}

type Found = Map<string, Finding & { seen: Set<string> }>

/**
 * Compares every reservation that Redis has of the sale, or of all sales, with PostgreSQL; `shards` by sale.
 */
export async function matchReservations(
  { database, redis, keys }: MatchSources,
  saleId: string | undefined,
  shards: Map<string, number>,
  nowMs: number,
  limits: AuditLimits,
): Promise<Finding[]> {
  const found: Found = new Map()
  for await (const records of scanSales(redis, keys, saleId)) {
    const decisions = await readDecided(
      database,
      records.map((record) => record.reservationId),
    )
    for (const record of records) {
      const mismatch = mismatchOf(record, decisions.get(record.reservationId), nowMs, limits)
      if (mismatch) add(found, saleOf(record.reservationId), record.reservationId, mismatch)
    }
    for (const { reservationId, buyerId } of repeated(records)) add(found, saleOf(reservationId), buyerId, REPEATED)
    for (const { reservationId } of misplaced(records, shards))
      add(found, saleOf(reservationId), reservationId, MISPLACED)
  }
  return [...found.values()].map(({ seen, ...finding }) => ({
    ...finding,
    count: seen.size,
    ids: [...seen].slice(0, NAMED_MAX),
  }))
}

const REPEATED = {
  state: 'wrong',
  what: 'buyers who have two live reservations of one purchase in Redis',
  check: 4,
} as const

/** Live reservations of a purchase, by its buyer and key, that has one before them. A page has all of a buyer's. */
function repeated(records: StockRecord[]): StockRecord[] {
  const seen = new Set<string>()
  return records
    .filter(({ status }) => LIVE.has(status))
    .filter(({ buyerId, key = '' }) => seen.size === seen.add(`${buyerId} ${key}`).size)
}

const MISPLACED = {
  state: 'wrong',
  what: 'reservations in another shard than that of their buyer',
  check: 4,
} as const

/** There their buyers' own shards do not count them towards the limit. */
function misplaced(records: StockRecord[], shards: Map<string, number>): StockRecord[] {
  return records.filter(({ reservationId, buyerId }) => {
    const saleId = saleOf(reservationId)
    const count = shards.get(saleId)
    return count !== undefined && ledgerOf(reservationId) !== ledgerForBuyer({ saleId, shards: count }, buyerId)
  })
}

function add(found: Found, saleId: string, id: string, mismatch: NonNullable<Mismatch>): void {
  const name = `${saleId} ${mismatch.what}`
  const finding = found.get(name) ?? { saleId, ...mismatch, count: 0, ids: [], seen: new Set<string>() }
  finding.seen.add(id)
  found.set(name, finding)
}

async function readDecided(database: Database, reservationIds: string[]): Promise<Map<string, Decided>> {
  if (reservationIds.length === 0) return new Map()
  const rows = await database.$queryRaw<(Decided & { reservationId: string })[]>`
    SELECT d.reservation_id AS "reservationId", d.outcome::text AS outcome, d.buyer_id AS "buyerId", d.quantity,
      o.status::text AS "orderStatus",
      (extract(epoch FROM clock_timestamp() - greatest(d.decided_at, o.paid_at, o.cancelled_at, o.refunded_at)) * 1000
        )::float8 AS "ageMs"
    FROM decisions d LEFT JOIN orders o USING (reservation_id) WHERE d.reservation_id = ANY(${reservationIds})`
  return new Map(rows.map(({ reservationId, ...decided }) => [reservationId, decided]))
}
