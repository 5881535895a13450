import { expect, test } from 'vitest'
import type { SaleView } from './contract.ts'
import { chosenOf } from './sales.ts'

const AT = '2026-11-11T00:00:00Z'
const sale = (id: string): SaleView => ({
  id,
  title: id,
  priceCents: 1,
  currency: 'CNY',
  stock: 1,
  left: 1,
  perBuyerLimit: 1,
  opensAt: AT,
  closesAt: AT,
  isStopped: false,
  serverTime: AT,
})

test('the only sale needs no choice, but never stands in for another one that the address names', () => {
  expect(chosenOf([sale('tea')], '')?.id).toBe('tea')
  expect(chosenOf([sale('tea')], 'cup')).toBeUndefined()
  expect(chosenOf([sale('tea'), sale('cup')], 'cup')?.id).toBe('cup')
  expect(chosenOf([sale('tea'), sale('cup')], '')).toBeUndefined()
})
