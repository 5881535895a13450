import type { OrderStatus, SagaState } from '../../prisma/generated/client.ts'
import type { OrderEvent, SagaEventType } from '../contracts/messages.ts'

/**
 * The chain of a purchase: forwards from the order to its coupon to its points, backwards from the step that failed to
 * the order. A choreography: each party receives every step and knows from here whether the next one is its own.
 */

/** The coupon and the points of an order, which decide about the steps of its saga. */
export type Named = Pick<OrderEvent, 'couponCode' | 'points'>

export interface Turn {
  of: 'coupon' | 'points' | 'order'
  direction: 'FORWARDS' | 'BACKWARDS'
}

/** The party whose step follows this event; undefined when none does. */
export function turnAfter({ type, ...named }: Named & Pick<OrderEvent, 'type'>): Turn | undefined {
  const [coupon, points] = [named.couponCode !== null, named.points > 0]
  switch (type) {
    case 'order.created':
      return coupon ? forwards('coupon') : points ? forwards('points') : undefined
    case 'order.coupon-locked':
      return points ? forwards('points') : undefined
    // Every paid order may have been granted points, whether or not it names any.
    case 'order.vetoed':
      return backwards('points')
    // It is unknown which steps have happened: every party undoes its own.
    case 'order.saga-expired':
      return points ? backwards('points') : backwards(coupon ? 'coupon' : 'order')
    case 'order.points-refused':
    case 'order.points-returned':
      return backwards(coupon ? 'coupon' : 'order')
    case 'order.coupon-refused':
    case 'order.coupon-returned':
      return backwards('order')
    default:
      return undefined
  }
}

const forwards = (of: Turn['of']): Turn => ({ of, direction: 'FORWARDS' })
const backwards = (of: Turn['of']): Turn => ({ of, direction: 'BACKWARDS' })

/** The steps from which on a saga is compensated, and why its order then ends. */
export const FAILURES = {
  'order.coupon-refused': 'COUPON_REFUSED',
  'order.points-refused': 'TOO_FEW_POINTS',
  'order.saga-expired': 'NOT_COMPLETED',
  'order.vetoed': 'VETOED',
} as const satisfies Partial<Record<SagaEventType, string>>
export type Failure = keyof typeof FAILURES
export type FailureReason = (typeof FAILURES)[Failure]

export const isFailure = (type: SagaEventType): type is Failure => type in FAILURES
export const failureOf = (reason: FailureReason | null): Failure | undefined =>
  (Object.keys(FAILURES) as Failure[]).find((type) => FAILURES[type] === reason)

/**
 * What a step does to its saga, and what the order must be while it does: `from` and `orderIs` depend on its type
 * only.
 */
export interface Move {
  from: SagaState
  to: SagaState
  orderIs: OrderStatus[]
}

/** The order may meanwhile have been cancelled by its buyer, or ended by an earlier event of the same failure. */
export const GOING_BACK: Move = {
  from: 'COMPENSATING',
  to: 'COMPENSATING',
  orderIs: ['PENDING_PAYMENT', 'CANCELLED', 'PAID', 'REFUNDED'],
}

export function moveOf(type: SagaEventType, named: Named): Move {
  switch (type) {
    case 'order.coupon-locked':
    case 'order.points-deducted':
      return { from: 'RUNNING', to: turnAfter({ ...named, type }) ? 'RUNNING' : 'DONE', orderIs: ['PENDING_PAYMENT'] }
    case 'order.coupon-refused':
    case 'order.points-refused':
    case 'order.saga-expired':
      return { from: 'RUNNING', to: 'COMPENSATING', orderIs: ['PENDING_PAYMENT'] }
    case 'order.vetoed':
      return { from: 'DONE', to: 'COMPENSATING', orderIs: ['PAID'] }
    case 'order.coupon-returned':
    case 'order.points-returned':
      return GOING_BACK
  }
}
