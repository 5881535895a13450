import { expect, test } from 'vitest'
import { PaymentCallbackAnswer } from '../../core/contracts/orders.ts'
import { endOf } from './money.ts'

test('every answer about money that the shop may give ends an order: told twice it is paid, told too late it is cancelled', () => {
  const outcomes = PaymentCallbackAnswer.shape.outcome.options
  expect(Object.fromEntries(outcomes.map((outcome) => [outcome, endOf(outcome)]))).toEqual({
    PAID: 'PAID',
    ALREADY_COUNTED: 'PAID',
    REFUND_DUE: 'CANCELLED',
  })
})

test('what the shop never says ends nothing', () => {
  for (const outcome of [undefined, null, 1, '', 'REFUSED', 'toString']) expect(endOf(outcome)).toBeUndefined()
})
