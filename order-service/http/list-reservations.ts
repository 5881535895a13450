import { z } from 'zod'
import type { OwnReservation } from '../../core/contracts/purchases.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { isOutage } from '../../core/platform/stores/outage.ts'
import { ledgerForBuyer } from '../../core/stock/shards.ts'
import type { Stock } from '../../core/stock/stock.ts'

/** Sales whose ledgers are asked for undecided reservations: those that have opened last. */
const ASKED_MAX = 100

/** Where a page ends: the time of its last reservation, ms since 1970, and its id. */
export const ReservationPlace = z.tuple([z.int().min(0).max(8.64e15), z.string()])
type Place = z.output<typeof ReservationPlace>
export const reservationPlace = ({ reservedAt, id }: OwnReservation): Place => [Date.parse(reservedAt), id]

type Row = Omit<OwnReservation, 'reservedAt' | 'paymentDeadline'> & { reservedAt: Date; paymentDeadline: Date | null }

/**
 * The buyer's reservations that are decided, the newest first: those of sales that are not archived.
 * @param after the page begins behind that place
 */
export async function listDecided(
  database: Database,
  buyerId: string,
  after: Place | undefined,
  most: number,
): Promise<OwnReservation[]> {
  const [atMs, id] = after ?? [8.64e15, '']
  const before = after ? new Date(atMs) : new Date('9999-01-01')
  const rows = await database.$queryRaw<Record<keyof Row, unknown>[]>`
    SELECT d.reservation_id AS id, d.sale_id AS "saleId", s.title, d.quantity, d.reserved_at AS "reservedAt",
      CASE WHEN o.id IS NULL THEN 'REJECTED' WHEN o.status = 'PENDING_PAYMENT' THEN 'ORDERED'
        ELSE o.status::text END AS status,
      coalesce(d.reason::text, o.end_reason) AS reason, o.id AS "orderId", o.amount_cents AS "amountCents",
      CASE WHEN o.status = 'PENDING_PAYMENT' THEN o.payment_deadline END AS "paymentDeadline"
    FROM decisions d LEFT JOIN orders o USING (reservation_id) LEFT JOIN sales s ON s.id = d.sale_id
    WHERE d.buyer_id = ${buyerId} AND (d.reserved_at, d.reservation_id) < (${before}, ${id})
    ORDER BY d.reserved_at DESC, d.reservation_id DESC LIMIT ${most}`
  return rows.map(viewOf)
}

/** Without the columns that are null. */
function viewOf(row: Record<keyof Row, unknown>): OwnReservation {
  const known = Object.entries(row).filter(([, value]) => value !== null)
  return Object.fromEntries(
    known.map(([name, value]) => [name, value instanceof Date ? value.toISOString() : value]),
  ) as OwnReservation
}

/**
 * The buyer's reservations that only Redis knows yet, the newest first. Undefined when Redis does not answer, or there
 * are more open sales than may be asked: then one may be missing.
 */
export async function listUndecided(
  database: Database,
  stock: Stock,
  buyerId: string,
): Promise<OwnReservation[] | undefined> {
  const sales = await database.$queryRaw<{ saleId: string; title: string; shards: number }[]>`
    SELECT id AS "saleId", title, shards FROM sales
    WHERE opens_at <= now() AND closes_at > now() - interval '10 minutes' ORDER BY opens_at DESC LIMIT ${ASKED_MAX + 1}`
  if (sales.length > ASKED_MAX) return undefined
  try {
    const held = await Promise.all(
      sales.map(async (sale) => {
        const records = await stock.readOfBuyer(ledgerForBuyer(sale, buyerId), buyerId)
        return records
          .filter(({ status }) => status === 'RESERVED')
          .map(({ reservationId: id, quantity, reservedAtMs }) => ({
            id,
            saleId: sale.saleId,
            title: sale.title,
            status: 'RESERVED' as const,
            quantity,
            reservedAt: new Date(reservedAtMs).toISOString(),
          }))
      }),
    )
    return await withoutDecided(database, held.flat())
  } catch (error) {
    if (isOutage(error)) return undefined
    throw error
  }
}

/** A decision is written before Redis hears of it, and is what holds. */
async function withoutDecided(database: Database, held: OwnReservation[]): Promise<OwnReservation[]> {
  if (held.length === 0) return []
  const decided = await database.decision.findMany({
    where: { reservationId: { in: held.map(({ id }) => id) } },
    select: { reservationId: true },
  })
  const known = new Set(decided.map(({ reservationId }) => reservationId))
  return held
    .filter(({ id }) => !known.has(id))
    .sort((one, other) => Date.parse(other.reservedAt) - Date.parse(one.reservedAt))
}
