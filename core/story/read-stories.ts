import type { StoryView } from '../contracts/control-room.ts'
import { OrderId } from '../contracts/values.ts'
import { inBoth } from '../platform/stores/archive.ts'
import type { Database, Transaction } from '../platform/stores/database.ts'
import { ledgerOf } from '../stock/reservation.ts'
import { saleOf } from '../stock/shards.ts'
import type { Stock } from '../stock/stock.ts'
import { type RecordedStep, sentenceOf } from './sentences.ts'

/** Of one buyer, the newest. */
export const STORIES_MAX = 20
/** Looked through for a reservation that is not decided. */
const UNDECIDED_MAX = 10_000
/** Views of both schemas are made first. */
const STORY_TAKES_MAX_MS = 30_000

interface Subject {
  reservationId: string
  orderId: string | null
  saleId: string
  buyerId: string
}

/**
 * What happened to a reservation, an order, or the newest reservations of a buyer, archived ones too, from what is
 * stored: when something was reserved, by Redis' clock, everything else by PostgreSQL's.
 *
 * @param id of a reservation, of an order, or of a buyer
 * @returns none when nothing is stored under that id
 * @throws when PostgreSQL or Redis does not answer in time
 */
export async function readStories(
  { database, stock }: { database: Database; stock: Stock },
  id: string,
  currency: string,
): Promise<StoryView[]> {
  const told = await database.$transaction(
    (tx) =>
      inBoth(tx, async () => {
        const stories: (Subject & { steps: RecordedStep[] })[] = []
        for (const subject of await findSubjects(tx, id))
          stories.push({ ...subject, steps: await readSteps(tx, subject.reservationId) })
        return stories
      }),
    { timeout: STORY_TAKES_MAX_MS },
  )
  const found = told.length > 0 ? told : await readUndecided(stock, id)
  return found.map(({ steps, ...subject }) => ({
    ...subject,
    steps: steps.map((step) => ({
      at: step.at.toISOString(),
      service: step.service,
      says: sentenceOf(step, currency),
    })),
  }))
}

async function findSubjects(tx: Transaction, id: string): Promise<Subject[]> {
  const orderId = OrderId.safeParse(id).data ?? null
  return tx.$queryRaw<Subject[]>`
    SELECT d.reservation_id AS "reservationId", o.id::text AS "orderId", d.sale_id AS "saleId", d.buyer_id AS "buyerId"
    FROM decisions d LEFT JOIN orders o ON o.reservation_id = d.reservation_id
    WHERE d.reservation_id = ${id} OR d.buyer_id = ${id}
      OR d.reservation_id = (SELECT reservation_id FROM orders WHERE id = ${orderId}::uuid)
    ORDER BY d.decided_at DESC LIMIT ${STORIES_MAX}`
}

/** In the order of their times; of one time, in the order in which they come about. */
async function readSteps(tx: Transaction, reservationId: string): Promise<RecordedStep[]> {
  return tx.$queryRaw<RecordedStep[]>`
    WITH d AS (SELECT * FROM decisions WHERE reservation_id = ${reservationId}),
      o AS (SELECT * FROM orders WHERE reservation_id = ${reservationId}),
      p AS (SELECT payments.* FROM payments JOIN o ON payments.order_id = o.id)
    SELECT at, service, step, detail FROM (
      SELECT 0 AS place, reserved_at AS at, 'gateway' AS service, 'RESERVED' AS step,
        jsonb_build_object('quantity', quantity) AS detail FROM d
      UNION ALL SELECT 1, decided_at, 'order-service', 'REJECTED', jsonb_build_object('reason', reason)
        FROM d WHERE outcome = 'REJECTED'
      UNION ALL SELECT 1, created_at, 'order-service', 'ORDERED', jsonb_build_object('order', id) FROM o
      UNION ALL SELECT 2, entry.at, 'subscribers', 'COUPON_' || step,
        jsonb_build_object('code', code, 'amount', off_cents) FROM coupon_entries entry JOIN o ON entry.order_id = o.id
      UNION ALL SELECT 2, entry.at, 'subscribers', 'POINTS_' || step, jsonb_build_object('points', abs(entry.points))
        FROM points_entries entry JOIN o ON entry.order_id = o.id
      UNION ALL SELECT 3, updated_at, 'subscribers', 'SAGA_' || state, '{}'
        FROM sagas JOIN o ON sagas.order_id = o.id
      UNION ALL SELECT 3, created_at, 'order-service', 'LINK', jsonb_build_object('amount', amount_cents) FROM p
      UNION ALL SELECT 4, received_at, 'payment-provider', 'MONEY',
        jsonb_build_object('amount', amount_cents, 'reference', provider_ref) FROM p
      UNION ALL SELECT 5, paid_at, 'order-service', 'PAID', '{}' FROM o
      UNION ALL SELECT 5, cancelled_at,
        CASE end_reason WHEN 'BUYER' THEN 'order-service' WHEN 'UNPAID' THEN 'cancel-worker' ELSE 'subscribers' END,
        'CANCELLED', jsonb_build_object('reason', end_reason) FROM o
      UNION ALL SELECT 5, refunded_at, 'order-service', 'REFUNDED', jsonb_build_object('reason', end_reason) FROM o
      UNION ALL SELECT 6, min(handled_at), 'subscribers', 'HANDLED',
        jsonb_build_object('event', inbox.sequence, 'subscribers',
          string_agg(purpose, ', ' ORDER BY handled_at, purpose))
        FROM inbox JOIN o ON inbox.order_id = o.id GROUP BY inbox.sequence
      UNION ALL SELECT 7, reviewed_at, 'subscribers', CASE rules WHEN '{}' THEN 'CLEAR' ELSE 'SUSPICIOUS' END,
        jsonb_build_object('rules', array_to_string(rules, ', '))
        FROM risk_reviews review JOIN o ON review.order_id = o.id
      UNION ALL SELECT 8, requested_at, 'order-service', 'REFUND_OWED', jsonb_build_object('amount', r.amount_cents)
        FROM refunds r JOIN p ON r.payment_id = p.id
      UNION ALL SELECT 8, completed_at, 'payment-provider', 'REFUND_TAKEN', jsonb_build_object('amount', r.amount_cents)
        FROM refunds r JOIN p ON r.payment_id = p.id
      UNION ALL SELECT 9, settled_at, 'redis', 'SETTLED', jsonb_build_object('status', status) FROM o
      UNION ALL SELECT 9, payment_deadline, 'cancel-worker', 'DEADLINE', '{}' FROM o WHERE status = 'PENDING_PAYMENT'
    ) AS steps WHERE at IS NOT NULL ORDER BY at, place`
}

/** A reservation that only Redis knows: the order service has not decided it. */
async function readUndecided(stock: Stock, id: string): Promise<(Subject & { steps: RecordedStep[] })[]> {
  if (!id.includes('.')) return []
  const waiting = await stock.undecidedBefore(ledgerOf(id), Number.MAX_SAFE_INTEGER, UNDECIDED_MAX)
  const name = waiting.find(({ reservationId }) => reservationId === id)
  const record = name && (await stock.readReservation(name))
  if (!record) return []
  const { reservationId, buyerId, quantity, reservedAtMs } = record
  const now = new Date(await stock.clock.read())
  return [
    {
      reservationId,
      orderId: null,
      saleId: saleOf(reservationId),
      buyerId,
      steps: [
        { at: new Date(reservedAtMs), service: 'gateway', step: 'RESERVED', detail: { quantity } },
        { at: now, service: 'order-service', step: 'UNDECIDED', detail: {} },
      ],
    },
  ]
}
