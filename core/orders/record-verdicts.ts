import type { Transaction } from '../platform/stores/database.ts'
import { buyerOfSale, type Facts, type Verdict } from './decide.ts'
import { insertIntoOutbox, orderEvent, type OutboxMessage, timeoutMessages } from './outbox.ts'

/**
 * Writes new verdicts: decisions, orders, the sagas of orders that name a coupon or points, the counters of their
 * sales, and the messages that announce them. One statement, so that a batch costs one round trip and updates the
 * counter of each sale once.
 * It is the last guard before the tables' own CHECKs, never expected to act: it adds up anew what each buyer gets, and
 * moves no counter of a sale that would be oversold, or that got other orders since the facts were read. It does not
 * look up again what each buyer had: that would cost 3 µs an order, of 38, and the audit does it.
 * @throws when one of them acts.
 */
export async function recordVerdicts(
  tx: Transaction,
  verdicts: Verdict[],
  facts: Pick<Facts, 'nowMs' | 'sales' | 'liveUnits'>,
  times: { paymentWindowMs: number; sagaMs: number },
): Promise<void> {
  if (verdicts.length === 0) return
  const rows = verdicts.map(({ reservation, decision, limitPerBuyer = null, priceCents, isPaid = false }) => ({
    ...reservation,
    limitPerBuyer,
    amountCents: decision.outcome === 'REJECTED' || priceCents === undefined ? null : reservation.quantity * priceCents,
    isPaid,
    liveUnits: facts.liveUnits.get(buyerOfSale(reservation.saleId, reservation.buyerId)) ?? 0,
    reason: decision.outcome === 'REJECTED' ? decision.reason : null,
    orderId: decision.outcome === 'ORDERED' ? decision.orderId : null,
  }))
  const known = [...facts.sales]
  const counted = await tx.$executeRaw`
    WITH verdict AS (
      SELECT * FROM unnest(
        ${rows.map((row) => row.reservationId)}::text[],
        ${rows.map((row) => row.saleId)}::text[],
        ${rows.map((row) => row.buyerId)}::text[],
        ${rows.map((row) => row.quantity)}::int[],
        ${rows.map((row) => row.limitPerBuyer)}::int[],
        ${rows.map((row) => row.liveUnits)}::int[],
        ${rows.map((row) => row.amountCents)}::int[],
        ${rows.map((row) => row.reason)}::rejection_reason[],
        ${rows.map((row) => row.orderId)}::uuid[],
        ${rows.map((row) => row.isPaid)}::boolean[],
        ${rows.map((row) => row.reservedAtMs)}::bigint[],
        ${rows.map((row) => row.couponCode ?? null)}::text[],
        ${rows.map((row) => row.points ?? 0)}::int[],
        ${rows.map((row) => row.key ?? null)}::text[]
      ) WITH ORDINALITY AS row (reservation_id, sale_id, buyer_id, quantity, limit_per_buyer, live_units, amount_cents,
        reason, order_id, is_paid, reserved_at_ms, coupon_code, points, key, place)
    ), decided AS (
      INSERT INTO decisions (reservation_id, sale_id, buyer_id, quantity, limit_per_buyer, live_units_before,
        purchase_key, outcome, reason, reserved_at)
      SELECT reservation_id, sale_id, buyer_id, quantity, limit_per_buyer,
        live_units + coalesce(sum(quantity) FILTER (WHERE order_id IS NOT NULL) OVER (
          PARTITION BY sale_id, buyer_id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0),
        key, (CASE WHEN reason IS NULL THEN 'ORDERED' ELSE 'REJECTED' END)::outcome, reason,
        to_timestamp(reserved_at_ms / 1000.0)
      FROM verdict
    ), placed AS (
      INSERT INTO orders (id, reservation_id, sale_id, buyer_id, quantity, amount_cents, coupon_code, points,
        payment_deadline, status, paid_at, sequence)
      SELECT order_id, reservation_id, sale_id, buyer_id, quantity, amount_cents, coupon_code, points,
        now() + ${times.paymentWindowMs} * interval '1 ms',
        (CASE WHEN is_paid THEN 'PAID' ELSE 'PENDING_PAYMENT' END)::order_status,
        CASE WHEN is_paid THEN now() END, CASE WHEN is_paid THEN 2 ELSE 1 END
      FROM verdict WHERE order_id IS NOT NULL
    ), begun AS (
      INSERT INTO sagas (order_id, sale_id, step, due_at)
      SELECT order_id, sale_id, 'order.created', now() + ${times.sagaMs} * interval '1 ms'
      FROM verdict WHERE order_id IS NOT NULL AND (coupon_code IS NOT NULL OR points > 0)
    ), announced AS (
      ${insertIntoOutbox(announce(verdicts, facts))}
    )
    UPDATE sales SET sold = sold + units
    FROM (
      SELECT sale_id, sum(quantity)::int AS units FROM verdict WHERE order_id IS NOT NULL GROUP BY sale_id
    ) AS batch JOIN unnest(
      ${known.map(([saleId]) => saleId)}::text[], ${known.map(([, sale]) => sale.orderedUnits)}::int[]
    ) AS known (sale_id, ordered_units) USING (sale_id)
    WHERE id = sale_id AND sold + units <= stock AND sold + returned = ordered_units`

  const sales = new Set(rows.filter((row) => row.orderId !== null).map((row) => row.saleId))
  if (counted !== sales.size)
    throw new Error(
      `One of the sales ${[...sales].join()} has no room for its new orders, or got others since its facts were read; ` +
        'the batch is rolled back',
    )
}

/**
 * Events of each reservation, because partitions are chosen by order; one timeout for all unpaid orders: they lapse
 * together.
 */
function announce(verdicts: Verdict[], { nowMs }: Pick<Facts, 'nowMs'>): OutboxMessage[] {
  const at = new Date(nowMs)
  const events = verdicts.flatMap(({ reservation, decision, priceCents = 0, isPaid }) => {
    const { reservationId, saleId, buyerId, quantity, couponCode = null, points = 0 } = reservation
    const subject = { reservationId, saleId, buyerId, quantity, couponCode, points, sequence: 1, orderedAt: at, at }
    if (decision.outcome === 'REJECTED') {
      const { reason } = decision
      return orderEvent({ ...subject, type: 'reservation.rejected', orderId: null, amountCents: 0, reason })
    }
    const amountCents = quantity * priceCents
    const order = { ...subject, orderId: decision.orderId, amountCents }
    const created = orderEvent({ ...order, type: 'order.created' })
    return isPaid ? [created, orderEvent({ ...order, type: 'order.paid', sequence: 2 })] : created
  })
  const unpaid = verdicts.flatMap(({ decision, isPaid }) =>
    decision.outcome === 'ORDERED' && !isPaid ? [decision.orderId] : [],
  )
  return [...events, ...timeoutMessages(unpaid)]
}
