import { expect, test } from 'vitest'
import { Rests } from './rests.ts'

test('pauses double with each failure, up to the limit, and start anew after a success', () => {
  const rests = new Rests(1_000, 4_000)
  expect([1, 2, 3, 4].map(() => rests.failed('a', 0))).toEqual([1_000, 2_000, 4_000, 4_000])
  rests.done('a')
  expect(rests.failed('a', 0)).toBe(1_000)
})

test('what failed rests until its pause is over, and nothing else does', () => {
  const rests = new Rests(1_000, 4_000)
  rests.failed('a', 0)
  rests.failed('b', 500)
  expect(rests.resting(999)).toEqual(['a', 'b'])
  expect(rests.resting(1_000)).toEqual(['b'])
  expect(rests.resting(1_500)).toEqual([])
})

test('the pause still grows for what fails right after its rest, and is forgotten when nobody asks again', () => {
  const rests = new Rests(1_000, 4_000)
  rests.failed('a', 0)
  rests.resting(2_000)
  expect(rests.failed('a', 2_000)).toBe(2_000)
  rests.resting(2_000 + 2_000 + 10 * 4_000 + 1)
  expect(rests.failed('a', 100_000)).toBe(1_000)
})
