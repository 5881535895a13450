import { OBJECTIVES } from '../../core/contracts/objectives.ts'

/**
 * The alerts: each wakes a person, and has a section of docs/runbook.md. npm run observability writes them as
 * Prometheus' rules; tests evaluate the same with shorter times.
 */
export interface Alert {
  name: string
  /** What the person reads first. */
  summary: string
  /** Prometheus' expression. */
  expr: (time: Times) => string
  /** How long it must hold. */
  forSeconds: number
  /** Series, in promtool's notation with a value every 15 s, of which it fires after ten minutes. */
  fires: Record<string, string>[]
}

/** Times of an expression, which tests shorten. */
export interface Times {
  /** A range, as in `[60s]`. */
  range: (seconds: number) => string
  /** A threshold of seconds. */
  seconds: (seconds: number) => number
}

/** What the shop refuses for want of capacity, although units are left. */
const TURNED_AWAY = 'seckill_purchases_total{outcome=~"BUSY|UNAVAILABLE"}'
const SERVABLE = 'seckill_purchases_total{outcome=~"ACCEPTED|BUSY|UNAVAILABLE"}'
const FAILED = 'seckill_provider_calls_total{outcome="failed"}'

export const ALERTS: readonly Alert[] = [
  {
    name: 'UnitsUnaccounted',
    summary: 'The audit finds units or orders that are not accounted for, or it has not run for ten minutes.',
    expr: ({ seconds }) =>
      `sum(seckill_audit_wrong) > 0 or max(seckill_audit_age_seconds) > ${seconds(600)}` +
      ' or absent(seckill_audit_age_seconds)',
    forSeconds: 60,
    fires: [
      { 'seckill_audit_wrong{check="2"}': '0x20 1x60', seckill_audit_age_seconds: '5x80' },
      { 'seckill_audit_wrong{check="2"}': '0x80', seckill_audit_age_seconds: '595+15x80' },
      {},
    ],
  },
  {
    name: 'IntakeStuck',
    summary: 'A reservation has waited for its order for half of its lifetime.',
    expr: () => 'max(seckill_undecided_age_seconds) > 0.5 * max(seckill_limit{limit="RESERVATION_LIFETIME_SECONDS"})',
    forSeconds: 15,
    fires: [
      {
        seckill_undecided_age_seconds: '0x20 0+15x60',
        'seckill_limit{limit="RESERVATION_LIFETIME_SECONDS"}': '120x80',
      },
    ],
  },
  {
    name: 'DeadLetters',
    summary: 'There are messages that no attempt could process, or parked events.',
    expr: () => 'sum(seckill_dead_letters) > 0 or sum(seckill_subscriber_messages{what=~"dead_letters|parked"}) > 0',
    forSeconds: 30,
    fires: [
      { seckill_dead_letters: '0x20 2x60' },
      { seckill_dead_letters: '0x80', 'seckill_subscriber_messages{subscriber="points",what="parked"}': '0x20 1x60' },
    ],
  },
  {
    name: 'OutboxStuck',
    summary: 'Messages of committed changes have waited in the outbox for half a minute.',
    expr: ({ seconds }) => `max(seckill_outbox_age_seconds) > ${seconds(30)}`,
    forSeconds: 30,
    fires: [{ seckill_outbox_age_seconds: '0x20 0+15x60' }],
  },
  {
    name: 'PendingStuck',
    summary: 'A reservation has not reached the broker for 15 s, although it is sent again and again.',
    expr: ({ seconds }) => `max(seckill_pending_age_seconds) > ${seconds(15)}`,
    forSeconds: 30,
    fires: [{ seckill_pending_age_seconds: '0x20 0+15x60' }],
  },
  {
    name: 'SaleClosed',
    summary: 'A sale that should run is closed: Redis has lost it, or does not answer; or no cancel worker looks.',
    expr: () => 'max(seckill_sales_closed) > 0 or absent(seckill_sales_closed)',
    forSeconds: 30,
    fires: [{ seckill_sales_closed: '0x20 1x60' }, {}],
  },
  {
    name: 'SubscriberBehind',
    summary: 'A subscriber handles none of its waiting events, or handles them too late.',
    expr: ({ range }) =>
      `(max by (subscriber) (seckill_subscriber_messages{what="waiting"}) > 0` +
      ' unless on (subscriber) sum by (subscriber)' +
      ` (increase(seckill_subscriber_events_total${range(120)})) > 0)` +
      ' or histogram_quantile(0.99, sum by (subscriber, le)' +
      ` (rate(seckill_subscriber_lag_seconds_bucket${range(120)}))) > ${OBJECTIVES.effect.withinSeconds}`,
    forSeconds: 60,
    fires: [
      {
        'seckill_subscriber_messages{subscriber="points",what="waiting"}': '0x20 9x60',
        'seckill_subscriber_events_total{subscriber="points",outcome="HANDLED"}': '0+3x20 60x60',
      },
      {
        'seckill_subscriber_messages{subscriber="points",what="waiting"}': '9x80',
        'seckill_subscriber_events_total{subscriber="points",outcome="HANDLED"}': '0+3x80',
        'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="60"}': '0+1x80',
        'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="300"}': '0+3x80',
        'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="+Inf"}': '0+3x80',
      },
    ],
  },
  {
    name: 'ProviderFailing',
    summary: 'More than half of the calls of the payment provider fail.',
    expr: ({ range }) =>
      `sum(increase(${FAILED}${range(300)})) > 2 and sum(increase(${FAILED}${range(300)}))` +
      ` > 0.5 * sum(increase(seckill_provider_calls_total${range(300)}))`,
    forSeconds: 30,
    fires: [
      {
        'seckill_provider_calls_total{call="link",outcome="failed"}': '0x20 0+1x60',
        'seckill_provider_calls_total{call="link",outcome="ok"}': '0+1x20 20x60',
      },
    ],
  },
  {
    name: 'BuyersTurnedAway',
    summary: 'More than a twentieth of the buyers who could have a unit are told to come back, or no gateway answers.',
    expr: ({ range }) =>
      `(sum(increase(${TURNED_AWAY}${range(60)})) > 10 and sum(rate(${TURNED_AWAY}${range(60)}))` +
      ` > 0.05 * sum(rate(${SERVABLE}${range(60)}))) or absent(seckill_purchases_total)`,
    forSeconds: 60,
    fires: [
      {
        'seckill_purchases_total{outcome="ACCEPTED"}': '0+100x80',
        'seckill_purchases_total{outcome="BUSY"}': '0x20 0+10x60',
      },
      {},
    ],
  },
  {
    name: 'ClocksApart',
    summary: 'The clocks of two servers are more than 5 s apart.',
    expr: () => 'max(seckill_clock_offset_seconds) > 5',
    forSeconds: 60,
    fires: [{ 'seckill_clock_offset_seconds{clock="process"}': '0x20 8x60' }],
  },
]

/** Series of which no alert fires. */
export const SILENT: Record<string, Record<string, string>> = {
  /**
   * A rush takes every unit and is refused otherwise; a reservation waits for 40 s, as when 12,000 units are ordered
   * by 300 a second.
   */
  'a sell-out': {
    'seckill_audit_wrong{check="2"}': '0x80',
    seckill_audit_age_seconds: '5 15 5 15 25 5 45 5 15x70',
    seckill_undecided_age_seconds: '0x10 2 8 15 25 35 40 40 30 10 0x60',
    'seckill_limit{limit="RESERVATION_LIFETIME_SECONDS"}': '120x80',
    seckill_dead_letters: '0x80',
    'seckill_subscriber_messages{subscriber="points",what="parked"}': '0x80',
    'seckill_subscriber_messages{subscriber="points",what="waiting"}': '0x11 120 300 400 300 100 20 0x60',
    'seckill_subscriber_events_total{subscriber="points",outcome="HANDLED"}': '0x11 0+2000x6 12000x60',
    'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="5"}': '0x11 0+1990x6 11940x60',
    'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="60"}': '0x11 0+2000x6 12000x60',
    'seckill_subscriber_lag_seconds_bucket{subscriber="points",le="+Inf"}': '0x11 0+2000x6 12000x60',
    seckill_outbox_age_seconds: '0x10 1 2 1 3 2 1 0x60',
    seckill_pending_age_seconds: '0x10 0.1 0.4 3 1 0x60',
    seckill_sales_closed: '0x80',
    'seckill_provider_calls_total{call="link",outcome="ok"}': '0x11 0+900x6 5400x60',
    'seckill_provider_calls_total{call="link",outcome="failed"}': '0x13 1 2x70',
    'seckill_purchases_total{outcome="ACCEPTED"}': '0x10 6000 12000x70',
    'seckill_purchases_total{outcome="SOLD_OUT"}': '0x10 0+50000x6 300000x60',
    'seckill_purchases_total{outcome="RATE_LIMITED"}': '0x10 0+9000x6 54000x60',
    'seckill_purchases_total{outcome="CROWDED"}': '0x10 0+9000x6 54000x60',
    'seckill_purchases_total{outcome="BUSY"}': '0x10 8x70',
    'seckill_purchases_total{outcome="UNAVAILABLE"}': '0x80',
    'seckill_clock_offset_seconds{clock="process"}': '0.01x80',
  },
  /** One buyer in a while; some are unlucky. */
  'a calm sale': {
    seckill_audit_age_seconds: '5x80',
    seckill_sales_closed: '0x80',
    'seckill_provider_calls_total{call="link",outcome="ok"}': '0x80',
    'seckill_provider_calls_total{call="link",outcome="failed"}': '0x20 1x20 2x40',
    'seckill_purchases_total{outcome="ACCEPTED"}': '0+1x80',
    'seckill_purchases_total{outcome="BUSY"}': '0x20 1 2 3 4 5x60',
  },
}
