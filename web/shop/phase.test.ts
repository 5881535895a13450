import { expect, test } from 'vitest'
import { mayBuyAgain } from './phase.ts'

test('whose order ended may buy again', () => {
  expect(mayBuyAgain('CANCELLED', 'UNPAID')).toBe(true)
  expect(mayBuyAgain('CANCELLED', 'COUPON_REFUSED')).toBe(true)
  expect(mayBuyAgain('REJECTED', 'EXPIRED')).toBe(true)
  expect(mayBuyAgain('REFUNDED', undefined)).toBe(true)
  expect(mayBuyAgain('PAID', undefined)).toBe(false)
})

test('a buyer whom the shop keeps out is not told that they may buy again', () => {
  expect(mayBuyAgain('REFUNDED', 'VETOED')).toBe(false)
  expect(mayBuyAgain('REJECTED', 'NOT_ELIGIBLE')).toBe(false)
})
