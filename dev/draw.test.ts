import { expect, test } from 'vitest'
import { draw } from './draw.ts'

const ITEMS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const drawn = (seed: string, items = ITEMS) => draw(items, 3, seed, (item) => item)

test('a seed draws the same again, in any order of the items', () => {
  expect(drawn('1')).toHaveLength(3)
  expect(drawn('1', ITEMS.toReversed())).toEqual(drawn('1'))
})

test('over many seeds every item is drawn, and none is preferred', () => {
  const counts = new Map<string, number>()
  for (let seed = 0; seed < 400; seed++)
    for (const item of drawn(String(seed))) counts.set(item, (counts.get(item) ?? 0) + 1)
  expect([...counts.keys()].toSorted()).toEqual(ITEMS)
  // 150 each on average.
  for (const count of counts.values()) expect(Math.abs(count - 150)).toBeLessThan(60)
})
