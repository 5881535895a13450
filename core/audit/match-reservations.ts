import type { Redis } from 'ioredis'
import type { Database } from '../platform/stores/database.ts'
import type { StockKeys } from '../stock/keys.ts'
import { saleOfReservation, scanSales, type StaleMark, type StockRecord } from './read-stock.ts'
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

type Mismatch = Pick<Finding, 'state' | 'what' | 'check'> | undefined

/** What Redis may say of an order in its last stage; what it may *still* say is every stage before. */
const FINAL_IN_REDIS = {
  PENDING_PAYMENT: ['ORDERED'],
  PAID: ['PAID'],
  CANCELLED: ['CANCELLED'],
  REFUNDED: ['REFUNDED'],
} as const
const NOT_TOLD_YET = {
  PENDING_PAYMENT: ['RESERVED'],
  PAID: ['RESERVED', 'ORDERED'],
  CANCELLED: ['RESERVED', 'ORDERED'],
  REFUNDED: ['RESERVED', 'ORDERED', 'PAID'],
} as const

/**
 * Holds a reservation of Redis against its decision, which was read *later*. PostgreSQL decides first and takes nothing
 * back, so Redis may only be behind: where it is ahead, or elsewhere, no moment explains it.
 */
function mismatchOf(record: StockRecord, decided: Decided | undefined, nowMs: number, limits: AuditLimits): Mismatch {
  if (!decided) return undecidedMismatch(record, nowMs, limits)
  if (record.buyerId !== decided.buyerId || record.quantity !== decided.quantity)
    return wrong('reservations whose decision is about another buyer or quantity')
  const behind =
    decided.ageMs > limits.settlingMs
      ? wrong('reservations that Redis was not told the end of', 7)
      : inFlight('reservations Redis is still to be told of', 7)

  if (decided.outcome === 'REJECTED') {
    if (record.status === 'REJECTED') return undefined
    return record.status === 'RESERVED' ? behind : wrong('reservations REJECTED in PostgreSQL and not in Redis')
  }
  // A missing order is the ledger rules' to report.
  if (decided.orderStatus === null) return undefined
  const isOneOf = (statuses: readonly string[]) => statuses.includes(record.status)
  if (isOneOf(FINAL_IN_REDIS[decided.orderStatus])) return undefined
  return isOneOf(NOT_TOLD_YET[decided.orderStatus])
    ? behind
    : wrong(`reservations ${record.status} in Redis whose order is ${decided.orderStatus}`)
}

function undecidedMismatch(record: StockRecord, nowMs: number, limits: AuditLimits): Mismatch {
  // The broker refused the message and the gateway took the reservation back: nobody else ever heard of it.
  if (record.status === 'REJECTED' && record.reason === 'BUSY') return undefined
  if (record.status !== 'RESERVED') return wrong(`reservations ${record.status} in Redis that were never decided`)
  if (!record.isListed) return wrong('reservations that have fallen out of the undecided ones, where the sweeper looks')
  return nowMs - record.reservedAtMs > limits.undecidedMs
    ? wrong('reservations undecided for too long')
    : inFlight('reservations undecided')
}

const wrong = (what: string, check: CheckId = 3): Mismatch => ({ state: 'wrong', what, check })
const inFlight = (what: string, check: CheckId = 3): Mismatch => ({ state: 'in flight', what, check })

export interface MatchSources {
  database: Database
  redis: Redis
  keys: StockKeys
}

type Found = Map<string, Finding & { seen: Set<string> }>

/**
 * Holds every reservation that Redis has of the sale, or of all sales, against PostgreSQL, and every buyer's mark
 * against its reservation.
 */
export async function matchReservations(
  { database, redis, keys }: MatchSources,
  saleId: string | undefined,
  nowMs: number,
  limits: AuditLimits,
): Promise<Finding[]> {
  const found: Found = new Map()
  for await (const { records, staleMarks } of scanSales(redis, keys, saleId)) {
    const decisions = await readDecided(
      database,
      records.map((record) => record.reservationId),
    )
    for (const record of records) {
      const mismatch = mismatchOf(record, decisions.get(record.reservationId), nowMs, limits)
      if (mismatch) add(found, saleOfReservation(record.reservationId), record.reservationId, mismatch)
    }
    for (const mark of staleMarks) add(found, mark.saleId, mark.buyerId, staleMark(mark))
  }
  return [...found.values()].map(({ seen, ...finding }) => ({
    ...finding,
    count: seen.size,
    ids: [...seen].slice(0, NAMED_MAX),
  }))
}

const staleMark = ({ what }: StaleMark): NonNullable<Mismatch> => ({
  state: 'wrong',
  what: `buyers whose mark in Redis names a reservation that ${what}: they can never buy again`,
  check: 4,
})

function add(found: Found, saleId: string, id: string, mismatch: NonNullable<Mismatch>): void {
  const name = `${saleId} ${mismatch.what}`
  const finding = found.get(name) ?? { saleId, ...mismatch, count: 0, ids: [], seen: new Set<string>() }
  finding.seen.add(id)
  found.set(name, finding)
}

async function readDecided(database: Database, reservationIds: string[]): Promise<Map<string, Decided>> {
  if (reservationIds.length === 0) return new Map()
  const rows = await database.$queryRaw<(Decided & { reservationId: string })[]>`
    SELECT d.reservation_id AS "reservationId", d.outcome::text AS outcome, d.buyer_id AS "buyerId", d.quantity, o.status::text AS "orderStatus",
      (extract(epoch FROM clock_timestamp() - greatest(d.decided_at, o.paid_at, o.cancelled_at, o.refunded_at)) * 1000)::float8 AS "ageMs"
    FROM decisions d LEFT JOIN orders o USING (reservation_id) WHERE d.reservation_id = ANY(${reservationIds})`
  return new Map(rows.map(({ reservationId, ...decided }) => [reservationId, decided]))
}
