import { Prisma } from '../platform/stores/database.ts'
import type { Rule } from './rule.ts'

/**
 * Per order event and subscriber exactly one effect, and none without an order: of the subscribers whose effects are
 * worth money. A subscriber's inbox says which effects must exist; other events are in flight, however long it is down.
 */

const EFFECTS = [
  { subscriber: 'points', table: Prisma.sql`points_entries`, at: Prisma.sql`e.at` },
  { subscriber: 'coupon', table: Prisma.sql`coupon_entries`, at: Prisma.sql`e.at` },
  { subscriber: 'risk', table: Prisma.sql`risk_reviews`, at: Prisma.sql`e.reviewed_at` },
]

/** Inbox rows from before then may be deleted. */
const remembersFrom = (subscriber: string) =>
  Prisma.sql`coalesce((SELECT remembers_from FROM subscriptions WHERE name = ${subscriber}), '-infinity')`

/** Orders that the subscriber follows: none that is older than the subscription. */
const followed = (subscriber: string) => Prisma.sql`
  orders o JOIN subscriptions s ON s.name = ${subscriber} AND o.created_at >= s.since`

/** Whether the subscriber has handled an event of the order `o`, from that number on. */
const hasHandled = (subscriber: string, sequence: Prisma.Sql) => Prisma.sql`
  EXISTS (SELECT FROM inbox i WHERE i.purpose = ${subscriber} AND i.order_id = o.id AND i.sequence >= ${sequence})`

/** All that the subscriber is owed of the order so far. */
export const hasHandledAll = (subscriber: string) => Prisma.sql`
  EXISTS (SELECT FROM subscriptions s WHERE s.name = ${subscriber} AND o.created_at >= s.since)
  AND ${hasHandled(subscriber, Prisma.sql`o.sequence`)}`

const handledAny = (subscriber: string) => hasHandled(subscriber, Prisma.sql`1`)

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
])

/** Coupon receives no event of an order that names none, and risk only payments. */
const inFlight = [
  {
    what: 'orders whose newest event points has not handled',
    subscriber: 'points',
    owed: Prisma.sql`true`,
    isHandled: hasHandled('points', Prisma.sql`o.sequence`),
  },
  {
    what: 'orders whose newest event coupon has not handled',
    subscriber: 'coupon',
    owed: Prisma.sql`o.coupon_code IS NOT NULL`,
    isHandled: hasHandled('coupon', Prisma.sql`o.sequence`),
  },
  {
    what: 'paid orders that risk has not reviewed',
    subscriber: 'risk',
    owed: Prisma.sql`o.paid_at IS NOT NULL`,
    isHandled: handledAny('risk'),
  },
].map(
  ({ what, subscriber, owed, isHandled }): Rule => ({
    check: 6,
    what,
    state: 'in flight',
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM ${followed(subscriber)}
      WHERE ${owed} AND NOT ${isHandled}
        AND (o.created_at > ${remembersFrom(subscriber)} OR ${handledAny(subscriber)})`,
  }),
)

const ofPayments = [
  {
    subscriber: 'points',
    isHandled: hasHandled('points', Prisma.sql`greatest(o.sequence, 2)`),
    effects: Prisma.sql`points_entries e WHERE e.order_id = o.id AND e.step = 'GRANTED'`,
    what: 'points granted',
  },
  {
    subscriber: 'risk',
    isHandled: handledAny('risk'),
    effects: Prisma.sql`risk_reviews e WHERE e.order_id = o.id`,
    what: 'reviews',
  },
].flatMap(({ subscriber, isHandled, effects, what }): Rule[] => [
  {
    check: 6,
    what: `paid orders without ${what}`,
    rows: Prisma.sql`
      SELECT o.sale_id, o.id::text AS id FROM ${followed(subscriber)}
      WHERE o.paid_at IS NOT NULL AND ${isHandled} AND NOT EXISTS (SELECT FROM ${effects})`,
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
      SELECT o.sale_id, o.id::text AS id FROM orders o
      WHERE o.status IN ('CANCELLED', 'REFUNDED') AND ${hasHandledAll('points')}
        AND (SELECT coalesce(sum(e.points), 0) FROM points_entries e WHERE e.order_id = o.id) <> 0`,
  },
]

export const effectRules: Rule[] = [...rulesOfEach, ...inFlight, ...ofPayments, ...pointsRules]
