import { Prisma } from '../platform/stores/database.ts'
import { hasHandledAll } from './effect-rules.ts'
import type { Rule } from './rule.ts'
import type { AuditLimits } from './report.ts'

/** What the saga of an order must be, given its status; and what the order must have taken and cost, given its saga. */
export const sagaRules = ({ settlingMs }: AuditLimits): Rule[] => [
  ...stateRules,
  ...heldRules,
  ...priceRules,
  {
    check: 5,
    what: 'overdue sagas without a check-back',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM sagas s JOIN orders o ON o.id = s.order_id
      WHERE s.due_at < now() - ${settlingMs} * interval '1 ms'
        AND (s.state = 'COMPENSATING' OR (s.state = 'RUNNING' AND o.status = 'PENDING_PAYMENT'))`,
  },
]

const stateRules: Rule[] = [
  {
    check: 5,
    what: 'orders that name a coupon or points and have no saga',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE (o.coupon_code IS NOT NULL OR o.points > 0) AND NOT EXISTS (SELECT FROM sagas s WHERE s.order_id = o.id)`,
  },
  {
    check: 5,
    what: 'sagas without an order',
    rows: Prisma.sql`
      SELECT s.sale_id, s.order_id::text AS id FROM sagas s
      WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = s.order_id AND o.sale_id = s.sale_id)`,
  },
  {
    check: 5,
    what: 'paid orders whose saga is neither done nor being compensated after a veto',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas s ON s.order_id = o.id
      WHERE o.status = 'PAID' AND (s.state = 'DONE' OR (s.state = 'COMPENSATING' AND s.reason = 'VETOED')) IS NOT TRUE`,
  },
  {
    check: 5,
    what: 'payments opened before the price was final',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id
      FROM orders o JOIN sagas s ON s.order_id = o.id JOIN payments p ON p.order_id = o.id
      WHERE s.state = 'RUNNING' OR (s.state = 'COMPENSATING' AND s.reason <> 'VETOED')`,
  },
  {
    check: 5,
    what: 'compensated sagas of live orders',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas s ON s.order_id = o.id
      WHERE s.state = 'COMPENSATED' AND o.status IN ('PENDING_PAYMENT', 'PAID')`,
  },
  {
    check: 5,
    what: 'ended orders whose saga is not closed',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas g ON g.order_id = o.id
      WHERE o.status IN ('CANCELLED', 'REFUNDED') AND g.state <> 'COMPENSATED' AND ${hasHandledAll('saga')}`,
  },
  {
    check: 5,
    what: 'sagas under way',
    state: 'in flight',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas s ON s.order_id = o.id
      WHERE s.state IN ('RUNNING', 'COMPENSATING')
        OR (o.status IN ('CANCELLED', 'REFUNDED') AND s.state <> 'COMPENSATED')`,
  },
]

const heldRules: Rule[] = [
  {
    check: 6,
    what: 'ended orders that still hold their coupon',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN coupons c ON c.order_id = o.id
      WHERE o.status IN ('CANCELLED', 'REFUNDED') AND ${hasHandledAll('coupon')}`,
  },
  {
    check: 6,
    what: 'orders whose coupon was locked or refused more than once, or is not theirs although their saga is done',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas s ON s.order_id = o.id
      WHERE o.coupon_code IS NOT NULL AND (
        (SELECT count(*) FROM coupon_entries e WHERE e.order_id = o.id AND e.step IN ('LOCKED', 'REFUSED')) > 1
        OR (s.state = 'DONE' AND o.status IN ('PENDING_PAYMENT', 'PAID') AND NOT EXISTS (
          SELECT FROM coupons c WHERE c.code = o.coupon_code AND c.order_id = o.id AND c.status <> 'AVAILABLE'
        )))`,
  },
  {
    check: 6,
    what: 'orders whose points were deducted more than once, or not although their saga is done',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sagas s ON s.order_id = o.id
      CROSS JOIN LATERAL (
        SELECT count(*) FROM points_entries e WHERE e.order_id = o.id AND e.step = 'DEDUCTED'
      ) AS deducted (times)
      WHERE o.points > 0 AND (times > 1 OR (s.state = 'DONE' AND times = 0))`,
  },
]

/** The price and what was taken off it are written in one transaction, so that they agree at every instant. */
const priceRules: Rule[] = [
  {
    check: 5,
    what: 'orders whose amount is not a price of their sale less what coupon and points have taken off',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN sales s ON s.id = o.sale_id
      CROSS JOIN LATERAL (
        SELECT o.amount_cents
          + CASE WHEN o.coupon_code IS NULL THEN 0 ELSE (
              SELECT coalesce(sum(e.off_cents), 0) FROM coupon_entries e WHERE e.order_id = o.id
            ) END
          - CASE WHEN o.points = 0 THEN 0 ELSE (
              SELECT coalesce(sum(e.points), 0) FROM points_entries e WHERE e.order_id = o.id AND e.step = 'DEDUCTED'
            ) END
      ) AS whole (cents)
      WHERE cents <> o.quantity::bigint * s.price_cents AND NOT EXISTS (
        SELECT FROM jsonb_array_elements(s.earlier_terms) AS terms
        WHERE cents = o.quantity * (terms ->> 'priceCents')::bigint
      )`,
  },
]
