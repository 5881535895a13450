import { type Objective, OBJECTIVES } from '../../core/contracts/objectives.ts'
import { graph, type Panel, RATE } from './panels.ts'
import { SERVER_PANELS } from './server-panels.ts'

/** The dashboards; npm run observability writes them as Grafana's JSON. */
export interface Dashboard {
  /** Of its file and its address. */
  id: string
  title: string
  panels: Panel[]
}

const perSecond = (metric: string, label: string): [string, string] => [
  `sum by (${label}) (rate(${metric}${RATE}))`,
  `{{${label}}}`,
]

const quantiles = (metric: string, by?: string): [string, string][] =>
  [0.5, 0.99].map((quantile) => [
    `histogram_quantile(${quantile}, sum by (${by ? `${by}, ` : ''}le) (rate(${metric}_bucket${RATE})))`,
    `p${quantile * 100}${by ? ` {{${by}}}` : ''}`,
  ])

/** 1 is a budget that nothing was taken from, below 0 it is overspent. */
const budgetLeft = ({ metric, withinSeconds, share }: Objective) =>
  `1 - (1 - sum(increase(${metric}_bucket{le="${withinSeconds}"}[$__range]))` +
  ` / sum(increase(${metric}_count[$__range]))) / ${(1 - share).toFixed(4)}`

const budget = (title: string, objective: Objective): Panel => ({
  title: `Error budget left: ${title}, ${objective.share * 100} % within ${objective.withinSeconds} s`,
  isNumber: true,
  unit: 'percentunit',
  queries: [[budgetLeft(objective), '']],
})

/** Of the processes of one service, or of all. */
const processPanels = (service?: string): Panel[] => {
  const of = service ? `{service="${service}"}` : ''
  return [
    graph('CPU, in cores', 'short', [`sum by (service) (rate(process_cpu_seconds_total${of}${RATE}))`, '{{service}}']),
    graph('Memory', 'bytes', [`sum by (service) (process_resident_memory_bytes${of})`, '{{service}}']),
    graph('Event loop lag, p99', 's', [`max by (service) (nodejs_eventloop_lag_p99_seconds${of})`, '{{service}}']),
  ]
}

const k6Counters = (...names: string[]): Panel['queries'] =>
  names.map((name) => [`sum(rate(k6_${name}_total${RATE}))`, name])

export const DASHBOARDS: readonly Dashboard[] = [
  {
    id: 'sale',
    title: 'Sale',
    panels: [
      budget('202', OBJECTIVES.accept),
      budget('202 to order', OBJECTIVES.order),
      budget('order to effects', OBJECTIVES.effect),
      {
        title: 'Checks that the audit finds wrong, of none allowed',
        isNumber: true,
        unit: 'short',
        queries: [['sum(max_over_time(seckill_audit_wrong[$__range]))', '']],
      },
      { title: 'Last audit', isNumber: true, unit: 's', queries: [['max(seckill_audit_age_seconds)', '']] },
      { title: 'Sales closed', isNumber: true, unit: 'short', queries: [['max(seckill_sales_closed)', '']] },
      graph('Purchase attempts', 'ops', perSecond('seckill_purchases_total', 'outcome')),
      graph('From attempt to 202', 's', ...quantiles(OBJECTIVES.accept.metric)),
      graph('Decisions', 'ops', perSecond('seckill_decisions_total', 'outcome')),
      graph('From 202 to order', 's', ...quantiles(OBJECTIVES.order.metric)),
      graph(
        'Waiting reservations',
        'short',
        ['sum(seckill_pending_reservations)', 'not confirmed'],
        ['sum(seckill_undecided_reservations)', 'not decided'],
      ),
      graph('Tickets and admissions', 'ops', perSecond('seckill_tickets_total', 'outcome'), [
        `sum(rate(seckill_admissions_total${RATE}))`,
        'admitted',
      ]),
      graph('Buyers with a stream of the waiting room', 'short', ['sum(seckill_waiting_streams)', 'streams']),
      graph('Payments, cancellations', 'ops', perSecond('seckill_provider_payments_total', 'outcome'), [
        `sum(rate(seckill_orders_cancelled_total${RATE}))`,
        'cancelled',
      ]),
    ],
  },
  {
    id: 'gateway',
    title: 'Gateway',
    panels: [
      graph('Refused for want of capacity', 'ops', [
        `sum by (outcome) (rate(seckill_purchases_total{outcome=~"BUSY|UNAVAILABLE"}${RATE}))`,
        '{{outcome}}',
      ]),
      graph('Refused by limits', 'ops', [
        `sum by (outcome) (rate(seckill_purchases_total{outcome=~"RATE_LIMITED|CROWDED"}${RATE}))`,
        '{{outcome}}',
      ]),
      graph('Buyers who wait for an outcome', 'short', ['sum(seckill_watched_reservations)', 'waiting']),
      graph(
        'Publishers',
        'short',
        ['sum by (publisher) (seckill_publisher_up)', '{{publisher}} connected'],
        ['sum by (publisher) (seckill_publisher_blocked)', '{{publisher}} blocked'],
      ),
      graph('Oldest unconfirmed reservation', 's', ['max(seckill_pending_age_seconds)', 'age']),
      graph('Open file descriptors', 'short', ['sum(process_open_fds{service="gateway"})', 'open']),
      ...processPanels('gateway'),
    ],
  },
  {
    id: 'heavy-side',
    title: 'Heavy side',
    panels: [
      graph('Queues', 'short', ['max by (queue) (seckill_queue_messages)', '{{queue}}']),
      graph('Oldest undecided reservation', 's', ['max(seckill_undecided_age_seconds)', 'age']),
      graph('Outbox, oldest entry', 's', ['max(seckill_outbox_age_seconds)', 'age']),
      graph(
        'Outbox',
        'short',
        ['max(seckill_outbox_entries)', 'entries'],
        [`sum(rate(seckill_outbox_refused_total${RATE}))`, 'refused a second'],
      ),
      graph(
        'Dead letters',
        'short',
        ['max(seckill_dead_letters)', 'there are'],
        [`sum by (queue, reason) (increase(seckill_dead_lettered_total${RATE}))`, 'new of {{queue}}, {{reason}}'],
      ),
      graph('Calls of the payment provider', 'ops', [
        `sum by (call, outcome) (rate(seckill_provider_calls_total${RATE}))`,
        '{{call}} {{outcome}}',
      ]),
      graph('Requests not worked on', 'ops', [
        `sum by (kind, reason) (rate(seckill_requests_shed_total${RATE}))`,
        '{{kind}} {{reason}}',
      ]),
      graph('Refunds at the demo provider', 'ops', [`sum(rate(seckill_provider_refunds_total${RATE}))`, 'refunds']),
      graph(
        'Sagas',
        'short',
        ['max by (state) (seckill_sagas)', '{{state}}'],
        [`sum by (what) (rate(seckill_sagas_asked_back_total${RATE}))`, '{{what}} a second'],
      ),
      graph('Repairs', 'ops', perSecond('seckill_reconciled_units_total', 'direction'), [
        `sum(rate(seckill_sales_rebuilt_total${RATE}))`,
        'sales rebuilt',
      ]),
      ...processPanels('order-service'),
    ],
  },
  {
    id: 'subscribers',
    title: 'Subscribers',
    panels: [
      graph('Messages', 'short', [
        'max by (subscriber, what) (seckill_subscriber_messages)',
        '{{subscriber}} {{what}}',
      ]),
      graph('From event to effect', 's', ...quantiles(OBJECTIVES.effect.metric, 'subscriber')),
      graph('Events', 'ops', [
        `sum by (subscriber, outcome) (rate(seckill_subscriber_events_total${RATE}))`,
        '{{subscriber}} {{outcome}}',
      ]),
      ...processPanels('subscribers'),
    ],
  },
  {
    id: 'servers',
    title: 'Servers',
    panels: [
      graph('Services that answer', 'short', ['up', '{{job}}']),
      graph('Failing loops', 'short', ['max by (service, loop) (seckill_loop_failures) > 0', '{{service}} {{loop}}']),
      graph('Clocks, from that of Redis', 's', [
        'max by (service, clock) (seckill_clock_offset_seconds)',
        '{{service}} {{clock}}',
      ]),
      ...processPanels(),
      graph('Heap', 'bytes', ['sum by (service) (nodejs_heap_size_used_bytes)', '{{service}}']),
      graph('Limits', 'short', ['max by (service, limit) (seckill_limit)', '{{service}} {{limit}}']),
      graph('Key set of the login', 's', ['max by (service) (seckill_login_keys_age_seconds)', '{{service}}']),
      ...SERVER_PANELS,
    ],
  },
  {
    id: 'k6',
    title: 'k6 run',
    panels: [
      graph('Virtual users', 'short', ['sum(k6_vus)', 'busy']),
      graph('Requests', 'ops', [`sum by (name) (rate(k6_http_reqs_total${RATE}))`, '{{name}}']),
      graph(
        'Answer times',
        's',
        ['max by (name) (k6_http_req_duration_p95)', 'p95 {{name}}'],
        ['max by (name) (k6_http_req_duration_p99)', 'p99 {{name}}'],
      ),
      graph('Attempts', 'ops', ...k6Counters('accepted', 'duplicate', 'sold_out', 'limited', 'busy', 'unexpected')),
      graph('Ends', 'ops', ...k6Counters('paid', 'lapsed', 'lost_orders')),
      graph('From 202 to order, as buyers see it', 's', ['max(k6_order_created_lag_p95)', 'p95']),
    ],
  },
]
