import { Prisma } from '../platform/stores/database.ts'
import type { Rule } from './rule.ts'

/**
 * Per order event and subscriber exactly one effect, and none without an order: of the subscribers whose effects are
 * worth money. A subscriber's progress says which effects must exist; later events are in flight, however long it is
 * down.
 */

const EFFECTS = [
  { subscriber: 'points', table: Prisma.sql`points_entries`, at: Prisma.sql`e.at` },
  { subscriber: 'coupon', table: Prisma.sql`coupon_entries`, at: Prisma.sql`e.at` },
  { subscriber: 'risk', table: Prisma.sql`risk_reviews`, at: Prisma.sql`e.reviewed_at` },
]

/** Inbox and progress from before then may be deleted. */
const remembersFrom = (subscriber: string) =>
  Prisma.sql`coalesce((SELECT remembers_from FROM subscriptions WHERE name = ${subscriber}), '-infinity')`

/** Orders and the subscriber's progress with them; without orders that are older than the subscription. */
export const followed = (subscriber: string) => Prisma.sql`
  orders o JOIN subscriptions s ON s.name = ${subscriber} AND o.created_at >= s.since
  LEFT JOIN order_progress p ON p.subscriber = s.name AND p.order_id = o.id`

const rulesOfEach = EFFECTS.flatMap(({ subscriber, table, at }): Rule[] => [
  {
    check: 6,
    what: `events that had their effect on ${subscriber} more than once`,
    rows: Prisma.sql`
      SELECT sale_id, event_id::text AS id FROM ${table} GROUP BY sale_id, event_id HAVING count(*) > 1`,
  },
  {
    check: 6,
    what: `effects on ${subscriber} of orders that do not exist`,
    rows: Prisma.sql`
      SELECT e.sale_id, e.order_id::text AS id FROM ${table} e
      WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = e.order_id AND o.sale_id = e.sale_id)`,
  },
  {
    check: 6,
    what: `effects on ${subscriber} without an event`,
    rows: Prisma.sql`
      SELECT e.sale_id, e.order_id::text AS id FROM ${table} e
      WHERE ${at} > ${remembersFrom(subscriber)} AND NOT EXISTS (
        SELECT FROM inbox i
        WHERE i.purpose = ${subscriber} AND i.event_id = e.event_id AND i.order_id = e.order_id
      )`,
  },
  {
    check: 6,
    what: `orders whose newest event ${subscriber} has not handled`,
    state: 'in flight',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM ${followed(subscriber)}
      WHERE coalesce(p.sequence, 0) < o.sequence
        AND (p.sequence IS NOT NULL OR o.created_at > ${remembersFrom(subscriber)})`,
  },
])

const ofPayments = [
  {
    subscriber: 'points',
    effects: Prisma.sql`points_entries e WHERE e.order_id = o.id AND e.step = 'GRANTED'`,
    what: 'points granted',
  },
  { subscriber: 'risk', effects: Prisma.sql`risk_reviews e WHERE e.order_id = o.id`, what: 'reviews' },
].flatMap(({ subscriber, effects, what }): Rule[] => [
  {
    check: 6,
    what: `paid orders without ${what}`,
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM ${followed(subscriber)}
      WHERE o.paid_at IS NOT NULL AND p.sequence >= greatest(o.sequence, 2) AND NOT EXISTS (SELECT FROM ${effects})`,
  },
  {
    check: 6,
    what: `unpaid orders with ${what}`,
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE o.paid_at IS NULL AND EXISTS (SELECT FROM ${effects})`,
  },
])

/** Granted, spent and returned points of an order that was cancelled or refunded cancel out. */
const pointsRules: Rule[] = [
  {
    check: 6,
    what: 'cancelled or refunded orders whose points do not add up to zero',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM ${followed('points')}
      WHERE o.status IN ('CANCELLED', 'REFUNDED') AND p.sequence >= o.sequence
        AND (SELECT coalesce(sum(e.points), 0) FROM points_entries e WHERE e.order_id = o.id) <> 0`,
  },
]

export const effectRules: Rule[] = [...rulesOfEach, ...ofPayments, ...pointsRules]
