import { expect, test } from 'vitest'
import { bridged, highest, latest, roundTop, stacked } from './lines.ts'

test('one reading or two that came late are bridged with the average that covers them, a longer gap stays one', () => {
  expect(bridged([1, null, 5, null, null, 7])).toEqual([1, 5, 5, 7, 7, 7])
  expect(bridged([1, null, null, null, 5])).toEqual([1, null, null, null, 5])
  expect(bridged([null, 3, null])).toEqual([null, 3, null])
})

test('lines are stacked, and what is unknown in one is unknown in all above it', () => {
  expect(
    stacked([
      [1, 2, 3],
      [10, null, 30],
      [100, 200, 300],
    ]),
  ).toEqual([
    [1, 2, 3],
    [11, null, 33],
    [111, null, 333],
  ])
  expect(stacked([])).toEqual([])
})

test('the figure of now may be three readings old, and no older', () => {
  expect(latest([1, 2, null, null])).toBe(2)
  expect(latest([1, null, null, null])).toBeNull()
  expect(latest([])).toBeNull()
})

test('the highest is of what is known', () => {
  expect(highest([3, null, 9, 1])).toBe(9)
  expect(highest([null])).toBeNull()
})

test.each([
  [0, 10],
  [11, 20],
  [100, 100],
  [101, 200],
  [2_639, 3_000],
  [6_100, 8_000],
  [9_999, 10_000],
])('an axis for values up to %d ends at %d', (value, top) => {
  expect(roundTop([[null, value], [1]], 10)).toBe(top)
})
