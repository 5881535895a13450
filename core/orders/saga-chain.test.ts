import { describe, expect, test } from 'vitest'
import { ORDER_EVENT_TYPES, type OrderEventType, SAGA_EVENT_TYPES } from '../contracts/messages.ts'
import { FAILURES, failureOf, moveOf, type Named, turnAfter } from './saga-chain.ts'

const NEITHER: Named = { couponCode: null, points: 0 }
const COUPON: Named = { couponCode: 'TEN', points: 0 }
const POINTS: Named = { couponCode: null, points: 5 }
const BOTH: Named = { couponCode: 'TEN', points: 5 }

/**
 * Whose turn it is after the event, of an order that names neither, a coupon, points, both: `>` forwards, `<`
 * backwards.
 */
const TURNS: Record<OrderEventType, [string, string, string, string]> = {
  'order.created': ['', '>coupon', '>points', '>coupon'],
  'order.coupon-locked': ['', '', '>points', '>points'],
  'order.points-deducted': ['', '', '', ''],
  'order.coupon-refused': ['<order', '<order', '<order', '<order'],
  'order.points-refused': ['<order', '<coupon', '<order', '<coupon'],
  'order.points-returned': ['<order', '<coupon', '<order', '<coupon'],
  'order.coupon-returned': ['<order', '<order', '<order', '<order'],
  'order.vetoed': ['<points', '<points', '<points', '<points'],
  'order.saga-expired': ['<order', '<coupon', '<points', '<points'],
  'order.paid': ['', '', '', ''],
  'order.cancelled': ['', '', '', ''],
  'order.refunded': ['', '', '', ''],
  'reservation.rejected': ['', '', '', ''],
}
const shown = (type: OrderEventType, named: Named) => {
  const turn = turnAfter({ type, ...named })
  return turn ? `${turn.direction === 'FORWARDS' ? '>' : '<'}${turn.of}` : ''
}

test.each(ORDER_EVENT_TYPES)('after %s it is the turn of the next one that is concerned', (type) => {
  expect([NEITHER, COUPON, POINTS, BOTH].map((named) => shown(type, named))).toEqual(TURNS[type])
})

describe('every way back', () => {
  const RETURNED = { coupon: 'order.coupon-returned', points: 'order.points-returned' } as const

  function wayBack(from: OrderEventType, named: Named): string[] {
    const passed: string[] = []
    for (
      let turn = turnAfter({ type: from, ...named });
      turn;
      turn = turn.of === 'order' ? undefined : turnAfter({ type: RETURNED[turn.of], ...named })
    )
      passed.push(turn.of)
    return passed
  }

  test.each([
    ['order.coupon-refused', BOTH, ['order']],
    ['order.points-refused', BOTH, ['coupon', 'order']],
    ['order.points-refused', POINTS, ['order']],
    ['order.saga-expired', BOTH, ['points', 'coupon', 'order']],
    ['order.vetoed', BOTH, ['points', 'coupon', 'order']],
    ['order.vetoed', NEITHER, ['points', 'order']],
  ] as const)('from %s of %j leads to the order past each party that may hold something', (from, named, way) => {
    expect(wayBack(from, named)).toEqual(way)
  })
})

test('a saga is done with the last step that its order names', () => {
  const endOf = (type: 'order.coupon-locked' | 'order.points-deducted', named: Named) => moveOf(type, named).to
  expect([endOf('order.coupon-locked', COUPON), endOf('order.coupon-locked', BOTH)]).toEqual(['DONE', 'RUNNING'])
  expect([endOf('order.points-deducted', POINTS), endOf('order.points-deducted', BOTH)]).toEqual(['DONE', 'DONE'])
})

test('a step forwards is only taken while the order is unpaid, a veto only once it is paid, a way back in any state', () => {
  expect(
    Object.fromEntries(
      SAGA_EVENT_TYPES.map((type) =>
        [type.replace('order.', ''), moveOf(type, BOTH)].map((part) =>
          typeof part === 'string' ? part : `${part.from} ${part.orderIs.length > 1 ? 'ANY' : part.orderIs[0]}`,
        ),
      ),
    ),
  ).toEqual({
    'coupon-locked': 'RUNNING PENDING_PAYMENT',
    'coupon-refused': 'RUNNING PENDING_PAYMENT',
    'points-deducted': 'RUNNING PENDING_PAYMENT',
    'points-refused': 'RUNNING PENDING_PAYMENT',
    'saga-expired': 'RUNNING PENDING_PAYMENT',
    vetoed: 'DONE PAID',
    'coupon-returned': 'COMPENSATING ANY',
    'points-returned': 'COMPENSATING ANY',
  })
})

test('every reason leads back to the failure that gave it', () => {
  for (const [type, reason] of Object.entries(FAILURES)) expect(failureOf(reason)).toBe(type)
  expect(failureOf(null)).toBeUndefined()
})
