import type { OrderEvent } from '../core/contracts/messages.ts'
import { veto } from '../core/orders/saga.ts'
import { groupBy } from '../core/platform/batches/divide.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { Stock } from '../core/stock/stock.ts'
import { lockBuyers } from './runtime/lock-buyers.ts'
import type { Subscriber, Tools } from './runtime/subscriber.ts'

/** Reviews every paid order by rules. One that breaks a grave rule is vetoed, and its buyer may buy nothing more. */
export const subscriber: Subscriber = {
  name: 'risk',
  events: ['order.paid'],
  follows: 'events',
  once: 'inbox',
  async handleTogether(tx, events, tools) {
    // Or of two orders in two partitions neither review would see the other.
    await lockBuyers(tx, 'risk', events)
    const reviews = review(events, await readPayments(tx, events), tools.config)
    await writeReviews(tx, reviews)
    for (const { event, broken } of reviews) {
      const grave = broken.find((rule) => rule.isGrave)
      if (!grave) continue
      await veto(tx, event, tools.config.SAGA_SECONDS * 1_000)
      await blacklist(tx, event.buyerId, `risk: ${grave.name}`, tools)
    }
  },
}

interface Rule {
  name: string
  isGrave: boolean
}
const TOO_MANY_PAID: Rule = { name: 'TOO_MANY_PAID', isGrave: true }
const LARGE_AMOUNT: Rule = { name: 'LARGE_AMOUNT', isGrave: false }

const MINUTE_MS = 60_000

type Payment = Pick<OrderEvent, 'buyerId' | 'saleId'> & { paidAtMs: number }
interface Review {
  event: OrderEvent
  broken: Rule[]
}

/** Payments of these buyers that were reviewed before, from a minute before the first event to one after the last. */
async function readPayments(tx: Transaction, events: OrderEvent[]): Promise<Payment[]> {
  const times = events.map(paidAtMs)
  const rows = await tx.$queryRaw<{ buyerId: string; saleId: string; paidAt: Date }[]>`
    SELECT buyer_id AS "buyerId", sale_id AS "saleId", paid_at AS "paidAt" FROM risk_reviews
    WHERE buyer_id = ANY(${events.map(({ buyerId }) => buyerId)})
      AND paid_at BETWEEN ${new Date(Math.min(...times) - MINUTE_MS)} AND ${new Date(Math.max(...times) + MINUTE_MS)}`
  return rows.map(({ paidAt, ...of }) => ({ ...of, paidAtMs: paidAt.getTime() }))
}

const paidAtMs = ({ at }: OrderEvent) => Date.parse(at)

/** One event after another, so that it is the payment above the limit that breaks the rule. */
function review(events: OrderEvent[], before: Payment[], config: Tools['config']): Review[] {
  const ofBuyers = groupBy(before, ({ buyerId }) => buyerId)
  return events.map((event) => {
    const { buyerId, saleId, amountCents } = event
    const payment = { buyerId, saleId, paidAtMs: paidAtMs(event) }
    const payments = [...(ofBuyers.get(buyerId) ?? []), payment]
    ofBuyers.set(buyerId, payments)
    const broken = [
      ...(salesPaidWithinMinute(payment, payments) > config.RISK_PAID_PER_MINUTE_MAX ? [TOO_MANY_PAID] : []),
      ...(amountCents >= config.RISK_AMOUNT_CENTS ? [LARGE_AMOUNT] : []),
    ]
    return { event, broken }
  })
}

/**
 * In how many sales the buyer has paid in any minute with this payment in it, at most: events of different orders come
 * in any sequence. Orders of one sale count once, because its limit per buyer permits them.
 */
function salesPaidWithinMinute(payment: Payment, payments: Payment[]): number {
  const ends = payments.map(({ paidAtMs: end }) => end).filter((end) => isWithinMinute(payment.paidAtMs, end))
  const salesUntil = (end: number) =>
    payments.filter((one) => isWithinMinute(one.paidAtMs, end)).map((one) => one.saleId)
  return Math.max(...ends.map((end) => new Set(salesUntil(end)).size))
}

const isWithinMinute = (atMs: number, endMs: number) => atMs >= endMs - MINUTE_MS && atMs <= endMs

async function writeReviews(tx: Transaction, reviews: Review[]): Promise<void> {
  const events = reviews.map(({ event }) => event)
  await tx.$executeRaw`
    INSERT INTO risk_reviews (order_id, sale_id, event_id, buyer_id, paid_at, rules)
    SELECT order_id, sale_id, event_id, buyer_id, paid_at, string_to_array(rules, ' ') FROM unnest(
      ${events.map(({ orderId }) => orderId)}::uuid[], ${events.map(({ saleId }) => saleId)}::text[],
      ${events.map(({ eventId }) => eventId)}::uuid[], ${events.map(({ buyerId }) => buyerId)}::text[],
      ${events.map(({ at }) => at)}::timestamptz[],
      ${reviews.map(({ broken }) => broken.map(({ name }) => name).join(' '))}::text[]
    ) AS review (order_id, sale_id, event_id, buyer_id, paid_at, rules)`
}

/**
 * Redis is told before the commit: told in vain it is a little too strict, and the event comes again; not told, it lets
 * the buyer in.
 */
async function blacklist(
  tx: Transaction,
  buyerId: string,
  reason: string,
  { redis, config, log }: Tools,
): Promise<void> {
  await tx.$executeRaw`INSERT INTO blacklist (buyer_id, reason) VALUES (${buyerId}, ${reason}) ON CONFLICT DO NOTHING`
  const saleAdmin = new SaleAdmin(redis, config.REDIS_KEY_PREFIX)
  await saleAdmin.setBlacklistedIn(await new Stock(redis, config.REDIS_KEY_PREFIX).loaded.open(), [buyerId], true)
  log.warn({ buyerId, reason }, 'buyer put on the blacklist')
}
