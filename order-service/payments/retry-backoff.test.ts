import { expect, test } from 'vitest'
import { RetryBackoff } from './retry-backoff.ts'

test('the pause doubles with each failure, up to the limit, and starts anew after a success', () => {
  const backoff = new RetryBackoff(1_000, 4_000)
  expect([1, 2, 3, 4].map(() => backoff.failed('a', 0))).toEqual([1_000, 2_000, 4_000, 4_000])
  backoff.succeeded('a')
  expect(backoff.failed('a', 0)).toBe(1_000)
})

test('only an id that failed is paused, until its pause is over', () => {
  const backoff = new RetryBackoff(1_000, 4_000)
  backoff.failed('a', 0)
  backoff.failed('b', 500)
  expect(backoff.paused(999)).toEqual(['a', 'b'])
  expect(backoff.paused(1_000)).toEqual(['b'])
  expect(backoff.paused(1_500)).toEqual([])
})

test('the pause keeps growing when the retry fails, and is forgotten when no retry follows', () => {
  const backoff = new RetryBackoff(1_000, 4_000)
  backoff.failed('a', 0)
  backoff.paused(2_000)
  expect(backoff.failed('a', 2_000)).toBe(2_000)
  backoff.paused(2_000 + 2_000 + 10 * 4_000 + 1)
  expect(backoff.failed('a', 100_000)).toBe(1_000)
})
