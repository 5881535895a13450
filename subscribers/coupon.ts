import type { OrderEvent, OrderEventType } from '../core/contracts/messages.ts'
import { reportSteps, turnsOf } from '../core/orders/saga.ts'
import { Prisma, type Transaction } from '../core/platform/stores/database.ts'
import type { Subscriber } from './runtime/subscriber.ts'

/**
 * The coupon that an order names: locked as a step of its saga, used when it is paid, given back when it ends
 * otherwise.
 */
export const subscriber: Subscriber = {
  name: 'coupon',
  events: [
    'order.created',
    'order.points-refused',
    'order.points-returned',
    'order.saga-expired',
    'order.paid',
    'order.cancelled',
    'order.refunded',
  ],
  follows: 'coupon-orders',
  once: 'inbox',
  async handleTogether(tx, events, { config }) {
    const naming = events.filter(({ couponCode }) => couponCode !== null)
    if (naming.length === 0) return
    // Many orders may want few coupons. Sorted, so that concurrent batches cannot deadlock.
    const codes = naming.map(({ couponCode }) => couponCode)
    await tx.$queryRaw`SELECT code FROM coupons WHERE code = ANY(${codes}) ORDER BY code FOR UPDATE`
    const { forwards, backwards } = await turnsOf(tx, 'coupon', naming)
    const ofTypes = (...types: OrderEventType[]) => naming.filter(({ type }) => types.includes(type))
    const sagaMs = config.SAGA_SECONDS * 1_000
    // In the order of an order's life: a batch may have several of its events.
    await lock(tx, forwards, sagaMs)
    await change(tx, 'USED', ofTypes('order.paid'))
    await change(tx, 'RETURNED', [...ofTypes('order.cancelled', 'order.refunded'), ...backwards])
    await reportSteps(tx, 'order.coupon-returned', backwards, sagaMs)
  },
}

/** One that is another's, or locked or used by another order, is refused; that is written down like the rest. */
async function lock(tx: Transaction, wanting: OrderEvent[], sagaMs: number): Promise<void> {
  const offCents = await change(tx, 'LOCKED', wanting)
  const locked = wanting.filter(({ orderId }) => offCents.has(orderId))
  const refused = wanting.filter(({ orderId }) => !offCents.has(orderId))
  await enterRefused(tx, refused)
  const withOff = locked.map((event) => ({ ...event, offCents: offCents.get(event.orderId) ?? 0 }))
  await reportSteps(tx, 'order.coupon-locked', withOff, sagaMs)
  await reportSteps(tx, 'order.coupon-refused', refused, sagaMs)
}

/** Which coupons of the events change, to what, and by how much the amount to pay falls. */
const CHANGES = {
  LOCKED: {
    of: Prisma.sql`status = 'AVAILABLE' AND coalesce(coupons.buyer_id, event.buyer_id) = event.buyer_id`,
    set: Prisma.sql`status = 'LOCKED', order_id = event.order_id`,
    offCents: Prisma.sql`least(discount_cents, event.amount_cents)`,
  },
  USED: {
    of: Prisma.sql`status = 'LOCKED' AND coupons.order_id = event.order_id`,
    set: Prisma.sql`status = 'USED'`,
    offCents: Prisma.sql`0`,
  },
  /** Nothing when the order never locked the coupon or has returned it. */
  RETURNED: {
    of: Prisma.sql`coupons.order_id = event.order_id`,
    set: Prisma.sql`status = 'AVAILABLE', order_id = NULL`,
    offCents: Prisma.sql`0`,
  },
}

/**
 * Of several orders that want one coupon, PostgreSQL updates it for one.
 * @returns the orders whose coupon has changed, and what it takes off
 */
async function change(
  tx: Transaction,
  step: keyof typeof CHANGES,
  events: OrderEvent[],
): Promise<Map<OrderEvent['orderId'], number>> {
  if (events.length === 0) return new Map()
  const { of, set, offCents } = CHANGES[step]
  const changed = await tx.$queryRaw<{ orderId: string; offCents: number }[]>`
    WITH changed AS (
      UPDATE coupons SET ${set} FROM ${rowsOf(events)} WHERE coupons.code = event.code AND ${of}
      RETURNING event.*, ${offCents} AS off_cents
    )
    INSERT INTO coupon_entries (code, order_id, sale_id, event_id, step, off_cents)
    SELECT code, order_id, sale_id, event_id, ${step}::coupon_step, off_cents FROM changed
    RETURNING order_id AS "orderId", off_cents AS "offCents"`
  return new Map(changed.map((row) => [row.orderId, row.offCents]))
}

async function enterRefused(tx: Transaction, events: OrderEvent[]): Promise<void> {
  if (events.length === 0) return
  await tx.$executeRaw`
    INSERT INTO coupon_entries (code, order_id, sale_id, event_id, step)
    SELECT code, order_id, sale_id, event_id, 'REFUSED' FROM ${rowsOf(events)}`
}

const rowsOf = (events: OrderEvent[]) => Prisma.sql`
  unnest(
    ${events.map(({ couponCode }) => couponCode)}::text[], ${events.map(({ buyerId }) => buyerId)}::text[],
    ${events.map(({ orderId }) => orderId)}::uuid[], ${events.map(({ saleId }) => saleId)}::text[],
    ${events.map(({ eventId }) => eventId)}::uuid[], ${events.map(({ amountCents }) => amountCents)}::int[]
  ) AS event (code, buyer_id, order_id, sale_id, event_id, amount_cents)`
