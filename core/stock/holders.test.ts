import { expect, test } from 'vitest'
import { holderBit, mayHold } from './holders.ts'

function filterOf(buyers: string[], units: number): Buffer {
  const bits = Buffer.alloc(2 ** 20)
  for (const buyer of buyers) {
    const offset = holderBit(buyer, units)
    bits[offset >> 3] = (bits[offset >> 3] ?? 0) | (0x80 >> (offset & 7))
  }
  return bits
}
const buyers = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i}`)

test.each([1, 100, 10_000, 250_000])(
  'of a sale of %i units every holder is known, and few others are taken for one',
  (units) => {
    const holders = buyers(units, 'holder')
    const bits = filterOf(holders, units)
    expect(holders.every((buyer) => mayHold(bits, buyer, units))).toBe(true)
    const mistaken = buyers(20_000, 'other').filter((buyer) => mayHold(bits, buyer, units))
    expect(mistaken.length / 20_000).toBeLessThan(0.05)
  },
)

test('a string as short as Redis keeps it has no bits beyond its end', () => {
  expect(mayHold(Buffer.alloc(0), 'anybody', 100)).toBe(false)
})

test('offsets stay within a megabyte, for every sale', () => {
  for (const buyer of buyers(1_000, 'b')) expect(holderBit(buyer, 10_000_000)).toBeLessThan(2 ** 23)
})
