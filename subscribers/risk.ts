import type { OrderEvent } from '../core/contracts/messages.ts'
import { veto } from '../core/orders/saga.ts'
import type { Transaction } from '../core/platform/stores/database.ts'
import { SaleAdmin } from '../core/stock/sale-admin.ts'
import { Stock } from '../core/stock/stock.ts'
import type { Subscriber, Tools } from './runtime/subscriber.ts'

/** Reviews every paid order by rules. One that breaks a grave rule is vetoed, and its buyer may buy nothing more. */
export const subscriber: Subscriber = {
  name: 'risk',
  events: ['order.paid'],
  once: 'inbox',
  async handle(tx, event, tools) {
    const broken = await brokenRules(tx, event, tools.config)
    await tx.$executeRaw`
      INSERT INTO risk_reviews (order_id, sale_id, event_id, buyer_id, paid_at, rules)
      VALUES (${event.orderId}::uuid, ${event.saleId}, ${event.eventId}::uuid, ${event.buyerId}, ${new Date(event.at)}, ${broken.map(({ name }) => name)})`
    const grave = broken.find((rule) => rule.isGrave)
    if (!grave) return
    await veto(tx, event, tools.config.SAGA_SECONDS * 1_000)
    await blacklist(tx, event.buyerId, `risk: ${grave.name}`, tools)
  },
}

interface Rule {
  name: string
  isGrave: boolean
}
const TOO_MANY_PAID: Rule = { name: 'TOO_MANY_PAID', isGrave: true }
const LARGE_AMOUNT: Rule = { name: 'LARGE_AMOUNT', isGrave: false }

async function brokenRules(tx: Transaction, event: OrderEvent, config: Tools['config']): Promise<Rule[]> {
  const sales = await salesPaidWithinMinute(tx, event)
  return [
    ...(sales > config.RISK_PAID_PER_MINUTE_MAX ? [TOO_MANY_PAID] : []),
    ...(event.amountCents >= config.RISK_AMOUNT_CENTS ? [LARGE_AMOUNT] : []),
  ]
}

/**
 * In how many sales the buyer has paid in any minute with this payment in it, at most: events of different orders come
 * in any sequence. Orders of one sale count once, because its limit per buyer permits them. Reviews of one buyer take
 * turns: of two orders in two partitions neither would see the other.
 */
async function salesPaidWithinMinute(tx: Transaction, { saleId, buyerId, at }: OrderEvent): Promise<number> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`risk ${buyerId}`}, 0))`
  const paidAt = new Date(at)
  const [row] = await tx.$queryRaw<{ count: number }[]>`
    WITH payments AS (
      SELECT sale_id, paid_at FROM risk_reviews WHERE buyer_id = ${buyerId}
        AND paid_at BETWEEN ${paidAt}::timestamptz - interval '1 minute' AND ${paidAt}::timestamptz + interval '1 minute'
      UNION SELECT ${saleId}, ${paidAt}::timestamptz
    )
    SELECT max(count)::int AS count FROM (
      SELECT count(DISTINCT earlier.sale_id) FROM payments last JOIN payments earlier
        ON earlier.paid_at BETWEEN last.paid_at - interval '1 minute' AND last.paid_at
      WHERE last.paid_at >= ${paidAt} GROUP BY last.paid_at
    ) AS minutes`
  return row?.count ?? 1
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
  await saleAdmin.setBlacklistedIn(await new Stock(redis, config.REDIS_KEY_PREFIX).openLedgers(), [buyerId], true)
  log.warn({ buyerId, reason }, 'buyer put on the blacklist')
}
