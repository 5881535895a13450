/**
 * Every metric of the services. A metric is created from here (core/platform/process/metrics.ts), so that its name,
 * labels and help stand in one place; alerts, dashboards and docs/observability.md are checked against it.
 */
export interface Metric {
  type: 'counter' | 'gauge' | 'histogram'
  by: readonly Exporter[]
  help: string
  /**
   * The values of each label, or what bounds their number. An id is never a label: its series would grow with the
   * orders.
   */
  labels?: Readonly<Record<string, readonly string[] | 'as configured'>>
  /** Upper ends, in seconds. */
  buckets?: readonly number[]
  /** How the processes of a gateway are combined; the default is the sum. */
  aggregator?: 'max' | 'sum'
}

export const EXPORTERS = [
  'gateway',
  'order-service',
  'cancel-worker',
  'subscribers',
  'control-room',
  'payment-provider',
] as const
export type Exporter = (typeof EXPORTERS)[number]

/** Outcomes of a purchase attempt, see gateway/answers.ts. */
export const PURCHASE_OUTCOMES = [
  'ACCEPTED',
  'DUPLICATE',
  'KEY_REUSED',
  'SOLD_OUT',
  'RATE_LIMITED',
  'CROWDED',
  'NOT_STARTED',
  'ENDED',
  'STOPPED',
  'BLACKLISTED',
  'TICKET_REQUIRED',
  'TICKET_INVALID',
  'TICKET_OF_ANOTHER',
  'TICKET_EXPIRED',
  'TICKET_USED',
  'ADMISSION_REQUIRED',
  'ADMISSION_INVALID',
  'ADMISSION_OF_ANOTHER',
  'ADMISSION_EXPIRED',
  'ADMISSION_USED',
  'LAPSED',
  'OVER_LIMIT',
  'TOO_MANY',
  'BUSY',
  'UNAVAILABLE',
  'UNAUTHENTICATED',
  'NO_SUCH_SALE',
] as const

/** Outcomes of a request for a ticket or a challenge, see gateway/opening/give-tickets.ts. */
export const TICKET_OUTCOMES = [
  'GIVEN',
  'CHALLENGE',
  'NO_SUCH_SALE',
  'NO_TICKETS',
  'NO_PROOF',
  'TICKETS_NOT_YET',
  'ENDED',
  'NOT_ELIGIBLE',
  'TICKET_REFUSED',
  'PROOF_REQUIRED',
  'PROOF_INVALID',
] as const

/** The checks of an audit, by the numbers of the invariants. */
const CHECKS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const LAG_BUCKETS = [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 3_600]

export const METRICS = {
  seckill_purchases_total: {
    type: 'counter',
    by: ['gateway'],
    help: 'Purchase attempts, by outcome',
    labels: { outcome: PURCHASE_OUTCOMES },
  },
  seckill_accept_seconds: {
    type: 'histogram',
    by: ['gateway'],
    help: 'From a purchase attempt to its 202, without the wait that the client asks for',
    buckets: LATENCY_BUCKETS,
  },
  seckill_watched_reservations: {
    type: 'gauge',
    by: ['gateway'],
    help: 'Buyers who wait for the outcome of their reservation',
  },
  seckill_waiting_streams: {
    type: 'gauge',
    by: ['gateway'],
    help: 'Event streams of buyers in waiting rooms',
  },
  seckill_tickets_total: {
    type: 'counter',
    by: ['gateway'],
    help: 'Requests for tickets and challenges, by outcome',
    labels: { outcome: TICKET_OUTCOMES },
  },
  seckill_decisions_total: {
    type: 'counter',
    by: ['order-service'],
    help: 'Reservations decided, by outcome',
    labels: { outcome: ['ORDERED', 'SOLD_OUT', 'EXPIRED', 'NOT_ELIGIBLE', 'REPEATED'] },
  },
  seckill_reservation_wait_seconds: {
    type: 'histogram',
    by: ['order-service'],
    help: 'From the reservation to its order',
    buckets: [0.01, ...LAG_BUCKETS.slice(0, -1)],
  },
  seckill_outbox_refused_total: {
    type: 'counter',
    by: ['order-service'],
    help: 'Outbox entries of which the broker refused messages; each is sent again',
  },
  seckill_provider_calls_total: {
    type: 'counter',
    by: ['order-service'],
    help: 'Calls of the payment provider, by what was asked for and whether it was given',
    labels: { call: ['link', 'refund'], outcome: ['ok', 'failed'] },
  },
  seckill_requests_shed_total: {
    type: 'counter',
    by: ['gateway', 'order-service'],
    help: 'Requests for orders and payments refused because too many wait or they waited too long, or dropped because their client had left',
    labels: { kind: ['reading', 'paying', 'callback', 'any'], reason: ['full', 'late', 'gone'] },
  },
  seckill_orders_cancelled_total: { type: 'counter', by: ['cancel-worker'], help: 'Unpaid orders cancelled' },
  seckill_admissions_total: { type: 'counter', by: ['cancel-worker'], help: 'Buyers admitted from waiting rooms' },
  seckill_sales_closed: {
    type: 'gauge',
    by: ['cancel-worker'],
    help: 'Sales within their window whose ledger is not open: Redis has lost it, or does not answer',
  },
  seckill_sales_rebuilt_total: {
    type: 'counter',
    by: ['cancel-worker'],
    help: 'Sales whose Redis data was rebuilt from PostgreSQL',
  },
  seckill_reconciled_units_total: {
    type: 'counter',
    by: ['cancel-worker'],
    help: 'Units that were missing in Redis and put back, or too many and taken away',
    labels: { direction: ['put_back', 'taken_away'] },
  },
  seckill_sagas_asked_back_total: {
    type: 'counter',
    by: ['cancel-worker'],
    help: 'Overdue sagas: expired, or their compensation repeated',
    labels: { what: ['expired', 'repeated'] },
  },
  seckill_subscriber_events_total: {
    type: 'counter',
    by: ['subscribers'],
    help: 'Order events by subscriber and what became of them',
    labels: {
      subscriber: 'as configured',
      outcome: ['HANDLED', 'PASSED', 'HELD', 'UNKNOWN_VERSION', 'OUT_OF_SEQUENCE', 'FORGOTTEN'],
    },
  },
  seckill_subscriber_lag_seconds: {
    type: 'histogram',
    by: ['subscribers'],
    help: 'From the event to its effect',
    labels: { subscriber: 'as configured' },
    buckets: LAG_BUCKETS,
  },
  seckill_audit_wrong: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Sales in which the last audit found a check wrong, by its number',
    labels: { check: CHECKS },
  },
  seckill_audit_age_seconds: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Since the last audit, or since the start',
  },
  seckill_pending_reservations: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Reservations that the broker has not confirmed',
  },
  seckill_pending_age_seconds: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Age of the oldest reservation that the broker has not confirmed',
  },
  seckill_undecided_reservations: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Reservations that are neither order nor rejected',
  },
  seckill_undecided_age_seconds: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Age of the oldest reservation that is neither order nor rejected',
  },
  seckill_outbox_entries: { type: 'gauge', by: ['control-room'], help: 'Entries of the outbox that wait' },
  seckill_outbox_age_seconds: { type: 'gauge', by: ['control-room'], help: 'Age of the oldest entry of the outbox' },
  seckill_queue_messages: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Messages that wait, by queue',
    labels: { queue: ['intake', 'waiting', 'cancellations'] },
  },
  seckill_dead_letters: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Dead letters: messages that no attempt could process',
  },
  seckill_subscriber_messages: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Messages of order events that wait, are held, parked or dead, by subscriber',
    labels: { subscriber: 'as configured', what: ['waiting', 'held', 'parked', 'dead_letters'] },
  },
  seckill_sagas: {
    type: 'gauge',
    by: ['control-room'],
    help: 'Sagas of orders that name a coupon or points, by state',
    labels: { state: ['RUNNING', 'DONE', 'COMPENSATING', 'COMPENSATED'] },
  },
  seckill_provider_refunds_total: {
    type: 'counter',
    by: ['payment-provider'],
    help: 'Refund requests taken, repeats included',
  },
  seckill_provider_payments_total: {
    type: 'counter',
    by: ['payment-provider'],
    help: 'Payments reported to the shop, by what the shop answered',
    labels: { outcome: ['PAID', 'ALREADY_COUNTED', 'REFUND_DUE', 'REFUSED', 'UNANSWERED'] },
  },
  seckill_dead_lettered_total: {
    type: 'counter',
    by: ['order-service', 'cancel-worker', 'subscribers'],
    help: 'Messages sent to the dead letters, by queue and reason',
    labels: { queue: 'as configured', reason: ['unreadable', 'refused'] },
  },
  seckill_publisher_up: {
    type: 'gauge',
    by: ['gateway', 'order-service'],
    help: 'Publishers that are connected to the broker',
    labels: { publisher: 'as configured' },
  },
  seckill_publisher_blocked: {
    type: 'gauge',
    by: ['gateway', 'order-service'],
    help: 'Publishers that the broker takes no messages from (memory or disk alarm)',
    labels: { publisher: 'as configured' },
  },
  seckill_loop_failures: {
    type: 'gauge',
    by: ['gateway', 'order-service', 'cancel-worker', 'subscribers', 'control-room'],
    help: 'Failed runs of a background loop since its last success',
    labels: { loop: 'as configured' },
  },
  seckill_clock_offset_seconds: {
    type: 'gauge',
    by: ['gateway', 'order-service', 'control-room'],
    help: "How far a clock is from Redis' clock: of this process, or of PostgreSQL",
    labels: { clock: ['process', 'postgresql'] },
    aggregator: 'max',
  },
  seckill_limit: {
    type: 'gauge',
    by: ['gateway', 'order-service', 'control-room'],
    help: 'Limits of a service, by their setting; the sum of its processes',
    labels: { limit: 'as configured' },
  },
  seckill_login_keys_age_seconds: {
    type: 'gauge',
    by: ['gateway', 'order-service'],
    help: 'Since the key set of the outside login was last read, or since the start; only with LOGIN_JWKS',
    aggregator: 'max',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS
