import { Prisma } from '../platform/stores/database.ts'
import { effectRules } from './effect-rules.ts'
import type { Rule } from './rule.ts'
import type { AuditLimits } from './report.ts'
import { sagaRules } from './saga-rules.ts'

/** Rules about PostgreSQL alone, written against its tables and not against the code that fills them. */
export function databaseRules(limits: AuditLimits): Rule[] {
  return [
    ...decisionRules,
    ...buyerRules,
    ...historyRules,
    ...moneyRules,
    ...windowRules,
    ...effectRules,
    ...sagaRules(limits),
    ...latenessRules(limits),
  ]
}

const decisionRules: Rule[] = [
  {
    check: 3,
    what: 'reservations decided ORDERED without exactly one order',
    rows: Prisma.sql`
      SELECT d.sale_id, d.reservation_id AS id FROM decisions d
      WHERE d.outcome = 'ORDERED' AND (SELECT count(*) FROM orders o WHERE o.reservation_id = d.reservation_id) <> 1`,
  },
  {
    check: 3,
    what: 'orders whose reservation was REJECTED or never decided',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE NOT EXISTS (SELECT FROM decisions d WHERE d.reservation_id = o.reservation_id AND d.outcome = 'ORDERED')`,
  },
  {
    check: 3,
    what: 'orders that differ from their decision in sale, buyer or quantity',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN decisions d USING (reservation_id)
      WHERE (o.sale_id, o.buyer_id, o.quantity) <> (d.sale_id, d.buyer_id, d.quantity)`,
  },
]

/** About the limit of the time of the decision: an order stays right when the limit is lowered afterwards. */
const buyerRules: Rule[] = [
  {
    check: 4,
    what: 'orders that brought their buyer above the limit',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN decisions d USING (reservation_id)
      WHERE d.live_units_before + o.quantity > coalesce(d.limit_per_buyer, 0)`,
  },
  {
    check: 4,
    what: 'buyers with more live units than their decisions have counted',
    // An order that is live now was live when later ones were decided, and counted. So in the order of the decisions,
    // and therefore also sorted by what each of them reached, no sum of live orders exceeds what was reached.
    rows: Prisma.sql`
      SELECT DISTINCT sale_id, buyer_id AS id FROM (
        SELECT o.sale_id, o.buyer_id, d.live_units_before + o.quantity AS reached, sum(o.quantity) OVER (
          PARTITION BY o.sale_id, o.buyer_id ORDER BY d.live_units_before + o.quantity
        ) AS live
        FROM orders o JOIN decisions d USING (reservation_id) WHERE o.status IN ('PENDING_PAYMENT', 'PAID')
      ) AS purchase WHERE live > reached`,
  },
]

const historyRules: Rule[] = [
  {
    check: 5,
    what: 'orders both paid and cancelled',
    rows: Prisma.sql`SELECT sale_id, id::text AS id FROM orders WHERE paid_at IS NOT NULL AND cancelled_at IS NOT NULL`,
  },
  {
    check: 5,
    what: 'orders whose times or sequence do not fit their status',
    // Every step of a saga is an event more.
    rows: Prisma.sql`
      SELECT sale_id, id::text AS id FROM orders o
      CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM sagas WHERE order_id = o.id)) AS saga (has)
      WHERE NOT CASE status
        WHEN 'PENDING_PAYMENT' THEN (sequence = 1 OR has) AND paid_at IS NULL AND cancelled_at IS NULL
          AND refunded_at IS NULL AND settled_at IS NULL
        WHEN 'PAID' THEN (sequence = 2 OR sequence > 2 AND has) AND paid_at >= created_at IS TRUE
          AND refunded_at IS NULL
        WHEN 'CANCELLED' THEN (sequence = 2 OR sequence > 2 AND has) AND cancelled_at >= created_at IS TRUE
          AND refunded_at IS NULL
        WHEN 'REFUNDED' THEN sequence > 2 AND paid_at >= created_at IS TRUE AND refunded_at >= paid_at IS TRUE
      END`,
  },
  {
    check: 5,
    what: 'live orders with an end reason, or refunded ones without',
    rows: Prisma.sql`
      SELECT sale_id, id::text AS id FROM orders
      WHERE status <> 'CANCELLED' AND (status = 'REFUNDED') <> (end_reason IS NOT NULL)`,
  },
]

const moneyRules: Rule[] = [
  {
    check: 5,
    what: 'paid orders without money',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE o.status IN ('PAID', 'REFUNDED') AND o.amount_cents > 0
        AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND p.received_at IS NOT NULL)`,
  },
  {
    check: 5,
    what: 'unpaid orders that cost nothing',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE o.status = 'PENDING_PAYMENT' AND o.amount_cents = 0
        AND NOT EXISTS (SELECT FROM sagas s WHERE s.order_id = o.id AND s.state <> 'DONE')`,
  },
  {
    check: 5,
    what: 'unpaid orders whose money has arrived',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN payments p ON p.order_id = o.id
      WHERE o.status = 'PENDING_PAYMENT' AND p.received_at IS NOT NULL`,
  },
  {
    check: 5,
    what: 'refunds of live orders, or of money that never arrived',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id
      FROM orders o JOIN payments p ON p.order_id = o.id JOIN refunds r ON r.payment_id = p.id
      WHERE o.status IN ('PENDING_PAYMENT', 'PAID') OR p.received_at IS NULL`,
  },
  {
    check: 5,
    what: 'ended orders whose money has not exactly one refund',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o JOIN payments p ON p.order_id = o.id
      WHERE o.status IN ('CANCELLED', 'REFUNDED') AND p.received_at IS NOT NULL AND p.amount_cents > 0
        AND (SELECT count(*) FROM refunds r WHERE r.payment_id = p.id) <> 1`,
  },
  {
    check: 5,
    what: 'orders whose payment or refund is of another amount',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id
      FROM orders o JOIN payments p ON p.order_id = o.id LEFT JOIN refunds r ON r.payment_id = p.id
      WHERE p.amount_cents <> o.amount_cents OR r.amount_cents <> p.amount_cents`,
  },
]

const windowRules: Rule[] = [
  {
    check: 9,
    what: 'reservations accepted while their sale was not open',
    rows: Prisma.sql`
      SELECT d.sale_id, d.reservation_id AS id FROM decisions d JOIN sales s ON s.id = d.sale_id
      WHERE d.reserved_at < coalesce(s.earliest_opens_at, s.opens_at)
        OR d.reserved_at >= coalesce(s.latest_closes_at, s.closes_at)`,
  },
]

const latenessRules = ({ settlingMs }: AuditLimits): Rule[] => [
  {
    check: 7,
    what: 'ended orders that were not settled in time',
    rows: Prisma.sql`
      SELECT sale_id, id::text AS id FROM orders
      WHERE status IN ('PAID', 'CANCELLED', 'REFUNDED') AND settled_at IS NULL
        AND coalesce(refunded_at, cancelled_at, paid_at) < now() - ${settlingMs} * interval '1 ms'`,
  },
  {
    check: 5,
    what: 'unpaid orders past their deadline',
    rows: Prisma.sql`
      SELECT sale_id, id::text AS id FROM orders
      WHERE status = 'PENDING_PAYMENT' AND payment_deadline < now() - ${settlingMs} * interval '1 ms'`,
  },
]
