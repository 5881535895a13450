import type { Options } from 'k6/options'
import { Counter, Trend } from 'k6/metrics'
import { LOST_MAX, type Objective, OBJECTIVES } from '../../core/contracts/objectives.ts'

/** Everything that is counted; loadtest/README.md says what each means. */

export const accepted = new Counter('accepted')
export const soldOut = new Counter('sold_out')
export const duplicate = new Counter('duplicate')
export const limitReached = new Counter('limit_reached')
export const limited = new Counter('limited')
export const busy = new Counter('busy')
export const unexpected = new Counter('unexpected')

export const orderCreatedLag = new Trend('order_created_lag', true)
export const lostOrders = new Counter('lost_orders')
export const paid = new Counter('paid')
export const lapsed = new Counter('lapsed')

/**
 * One up with every 202, and in the tear-down down by the orders there are: above zero, a buyer was promised an order
 * that does not exist. Below zero is no fault: the order exists, and its 202 got lost or came too late.
 */
export const ordersOwed = new Counter('orders_owed')
export const oversold = new Counter('oversold')
export const lostUnits = new Counter('lost_units')
/** Sales whose audit at rest was balanced. The tear-down counts it last, so a run that broke off has none. */
export const accounted = new Counter('accounted')

type Thresholds = NonNullable<Options['thresholds']>

/** For every scenario, also one that searches for the limit. */
export function everyUnitAccounted(sales = 1): Thresholds {
  return {
    accounted: [`count==${sales}`],
    oversold: ['count==0'],
    lost_units: [`count<=${LOST_MAX}`],
    lost_orders: [`count<=${LOST_MAX}`],
    orders_owed: ['count<=0'],
  }
}

/** For scenarios that stay below the system's limit. */
export const nothingUnexpected: Thresholds = {
  unexpected: ['count==0'],
  http_req_failed: ['rate==0'],
  checks: ['rate==1'],
}

const within = ({ share, withinSeconds }: Objective) => `p(${share * 100})<${withinSeconds * 1_000}`

/** What the shop promises, for scenarios that stay below the system's limit. */
export const asPromised: Thresholds = {
  'http_req_duration{name:buy}': [within(OBJECTIVES.accept)],
  order_created_lag: [within(OBJECTIVES.order)],
}

/** As shop.ts names them, in a buyer's order. */
export const CALLS = ['sales', 'sale', 'buy', 'reservation', 'payment link', 'pay', 'order']

/** Makes k6 keep the times of each call apart, for the summary; it does so only for what has a threshold. */
export const timesOfCalls: Thresholds = Object.fromEntries(
  CALLS.map((name) => [`http_req_duration{name:${name}}`, ['max>=0']]),
)
