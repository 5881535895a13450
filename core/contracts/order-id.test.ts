import { expect, test } from 'vitest'
import { orderIdOf } from './order-id.ts'
import { OrderId } from './values.ts'

const RESERVATIONS = ['sale.iDQpozKogLyEJ-snLdy-RA', 'sale.3.iDQpozKogLyEJ-snLdy-RA', 'sale.iDQpozKogLyEJ-snLdy-RB']

test("a reservation's order has always the same id, and no other reservation's", () => {
  expect(RESERVATIONS.map(orderIdOf)).toEqual(RESERVATIONS.map(orderIdOf))
  expect(new Set(RESERVATIONS.map(orderIdOf)).size).toBe(RESERVATIONS.length)
  expect(orderIdOf('sale.iDQpozKogLyEJ-snLdy-RA')).toBe('eee07bd7-1a87-8d77-86da-94a12875401a')
})

test('is a UUID of version 8, which tells nothing of the reservation', () => {
  for (const id of RESERVATIONS) {
    expect(OrderId.parse(orderIdOf(id))[14]).toBe('8')
    const bits = Buffer.from(id.slice(id.lastIndexOf('.') + 1), 'base64url').toString('hex')
    expect(bits).not.toContain(orderIdOf(id).slice(0, 8))
  }
})
