/**
 * What the shop promises its buyers, as numbers: docs/observability.md, the thresholds of k6, the alerts and the
 * dashboards all read them here.
 */
export const OBJECTIVES = {
  /** From a purchase attempt to its 202, as the gateway measures it. */
  accept: { metric: 'seckill_accept_seconds', withinSeconds: 1, share: 0.99 },
  /** From the reservation to its order. */
  order: { metric: 'seckill_reservation_wait_seconds', withinSeconds: 60, share: 0.99 },
  /** From the event of an order to its effect in a subscriber. */
  effect: { metric: 'seckill_subscriber_lag_seconds', withinSeconds: 60, share: 0.99 },
} as const satisfies Record<string, Objective>

/** No accepted order and no unit may be lost: there is no error budget. */
export const LOST_MAX = 0

/** A share of all events happens within that time; the rest is the error budget. */
export interface Objective {
  /** A histogram with a bucket that ends at `withinSeconds`. */
  metric: string
  withinSeconds: number
  share: number
}
