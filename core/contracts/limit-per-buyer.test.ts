import { expect, test } from 'vitest'
import { limitPerBuyer, VISITOR } from './limit-per-buyer.ts'

const buyer = { id: 'ann', claims: { tier: 'vip' } }

test('a buyer may have as many units as the sale says, and so may a visitor', () => {
  expect(limitPerBuyer({ priceCents: 100, perBuyerLimit: 3 }, buyer)).toBe(3)
  expect(limitPerBuyer({ priceCents: 0, perBuyerLimit: 3 }, VISITOR)).toBe(3)
})

test('no limit is so high that the amount of an order would not fit its column', () => {
  expect(limitPerBuyer({ priceCents: 2 ** 30, perBuyerLimit: 3 }, buyer)).toBe(1)
})
