import type { Guard } from '../guard.ts'

const SAGA = 'subscribers/saga.test.ts'
const BACK = 'cancel-worker/check-back.test.ts'
const BATCHES = 'test/saga-batches.test.ts'
const CHAIN = 'core/orders/saga-chain.test.ts'
const STEPS = 'core/orders/saga.ts'

/** Sagas: what an order takes and gives back, coupon, points, unit and money. */
export const sagaGuards: Guard[] = [
  {
    rule: 'an order that names a coupon or points has a saga',
    file: 'core/orders/record-verdicts.ts',
    text: 'WHERE order_id IS NOT NULL AND (coupon_code IS NOT NULL OR points > 0)',
    without: 'WHERE FALSE',
    tests: { file: SAGA, named: 'forwards an order takes its coupon' },
  },
  {
    rule: 'no payment opens before the saga is done',
    file: 'order-service/payments/open-payment.ts',
    text: "      AND NOT EXISTS (SELECT FROM sagas WHERE sagas.order_id = orders.id AND state <> 'DONE')\n",
    without: '',
    tests: { file: 'order-service/payments/open-payment.test.ts', named: 'an order whose' },
  },
  {
    rule: 'what a coupon or points take off is not to be paid',
    file: STEPS,
    text: ' - off_cents',
    without: '',
    tests: { file: SAGA, named: 'forwards an order takes its coupon' },
  },
  {
    rule: 'a step is not taken once its saga was called off',
    file: STEPS,
    text: "state === 'RUNNING' && status === ",
    without: 'status === ',
    tests: { file: BACK, named: 'a saga that is not completed' },
  },
  {
    rule: 'a step is not taken once its order was cancelled',
    file: STEPS,
    text: " && status === 'PENDING_PAYMENT'",
    without: '',
    tests: { file: SAGA, named: 'an order that ends otherwise when its buyer cancels before' },
  },
  {
    rule: 'a step and the cancellation of its saga are serialised',
    file: 'core/orders/transitions.ts',
    text: 'FROM orders WHERE id = ANY(${orderIds}::uuid[]) ORDER BY id FOR UPDATE`',
    without: 'FROM orders WHERE id = ANY(${orderIds}::uuid[])`',
    tests: { file: BACK, named: 'a step that is being taken' },
  },
  {
    rule: 'a saga is called off only while its order is unpaid',
    file: STEPS,
    text: '        AND EXISTS (SELECT FROM orders WHERE id = going.id AND status = ANY(${any.orderIs}::order_status[]))\n',
    without: '',
    tests: { file: BACK, named: 'an order that was cancelled' },
  },
  {
    rule: 'a saga is checked only after its deadline, and once',
    file: STEPS,
    text: 'Prisma.sql`AND due_at <= now()`',
    without: 'Prisma.empty',
    tests: { file: BACK, named: 'a saga that is not completed' },
  },
  {
    rule: 'a closed saga stays closed',
    file: STEPS,
    text: ' AND state = ${any.from}::saga_state ${condition}',
    without: ' ${condition}',
    tests: { file: BACK, named: 'what is undone once more' },
  },
  {
    rule: 'a veto takes back the points of every order',
    file: 'core/orders/saga-chain.ts',
    text: "case 'order.vetoed':\n      return backwards('points')",
    without: "case 'order.vetoed':\n      return backwards('order')",
    tests: { file: CHAIN },
  },
  {
    rule: 'a compensation visits every service that may hold something',
    file: 'core/orders/saga-chain.ts',
    text: "return points ? backwards('points') : backwards(coupon ? 'coupon' : 'order')",
    without: "return backwards('order')",
    tests: { file: CHAIN },
  },
  {
    rule: 'a coupon serves one order at a time',
    file: 'subscribers/coupon.ts',
    text: "status = 'AVAILABLE' AND coalesce",
    without: 'coalesce',
    tests: { file: SAGA, named: 'forwards of orders that want one coupon' },
  },
  {
    rule: 'a personal coupon serves only its buyer',
    file: 'subscribers/coupon.ts',
    text: ' AND coalesce(coupons.buyer_id, event.buyer_id) = event.buyer_id',
    without: '',
    tests: { file: SAGA, named: 'backwards an order whose coupon is somebody' },
  },
  {
    rule: 'an order gives back no coupon but its own',
    file: 'subscribers/coupon.ts',
    text: 'of: Prisma.sql`coupons.order_id = event.order_id`',
    without: 'of: Prisma.sql`TRUE`',
    tests: { file: SAGA, named: 'forwards of orders that want one coupon' },
  },
  {
    rule: 'coupons are locked in sorted order, so that batches cannot deadlock',
    file: 'subscribers/coupon.ts',
    text: 'ORDER BY code FOR UPDATE`',
    without: '`',
    tests: {
      file: BATCHES,
      named: 'batches that lock the same rows in opposite orders do not deadlock: coupons',
    },
  },
  {
    rule: 'a price is never below zero',
    file: 'subscribers/coupon.ts',
    text: 'least(discount_cents, event.amount_cents)',
    without: 'discount_cents',
    tests: { file: SAGA, named: 'forwards an amount is never negative' },
  },
  {
    rule: 'no more points are spent than there is to pay',
    file: 'subscribers/points.ts',
    text: 'Math.min(event.points, event.amountCents)',
    without: 'event.points',
    tests: { file: SAGA, named: 'forwards an amount is never negative' },
  },
  {
    rule: 'a buyer cannot spend more points than they have',
    file: 'subscribers/points.ts',
    text: 'rest < 0',
    without: 'rest < -Infinity',
    tests: { file: SAGA, named: 'backwards with too few points' },
  },
  {
    rule: "a buyer's points are spent by one order at a time",
    file: 'subscribers/points.ts',
    text: "  await lockBuyers(tx, 'points', wanting)\n",
    without: '',
    tests: { file: SAGA, named: 'forwards a buyer' },
  },
  {
    rule: 'orders of one batch do not spend the same points',
    file: 'subscribers/points.ts',
    text: '      left.set(event.buyerId, rest)\n',
    without: '',
    tests: { file: SAGA, named: 'forwards of orders in one batch' },
  },
  {
    rule: 'what an order has brought is undone once',
    file: 'subscribers/points.ts',
    text: 'SELECT sum(points) AS points FROM points_entries e',
    without: 'SELECT sum(points) FILTER (WHERE points > 0) AS points FROM points_entries e',
    tests: { file: SAGA, named: 'backwards a veto takes a paid order back' },
  },
  {
    rule: 'a severe risk rule vetoes the order',
    file: 'subscribers/risk.ts',
    text: '    await veto(tx, event, tools.config.SAGA_SECONDS * 1_000)\n',
    without: '',
    tests: { file: SAGA, named: 'backwards a veto takes back an order, too' },
  },
  {
    rule: 'sales are locked before orders and sorted, so that batches cannot deadlock',
    file: 'subscribers/saga.ts',
    text: '    await lockSales(tx, comeBack)\n',
    without: '',
    tests: {
      file: BATCHES,
      named: 'batches that lock the same rows in opposite orders do not deadlock: sales',
    },
  },
  {
    rule: 'coupon and points are stored for the resender',
    file: 'core/stock/reserving.ts',
    text: '\\t${wishesText(wishes)}\\t',
    without: '\\t\\t',
    tests: { file: 'core/stock/stock.test.ts', named: 'releasing the wishes and claims' },
  },
  {
    rule: 'an order that coupon and points make free does not lapse',
    file: STEPS,
    text: 'amountCents === 0',
    without: 'amountCents < 0',
    tests: { file: SAGA, named: 'forwards an amount is never negative' },
  },
]
