import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const HOUR_MS = 3_600_000

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['ahead and back', HOUR_MS, -HOUR_MS],
  ['back and ahead', -HOUR_MS, HOUR_MS],
])('a step of the wall clock, an hour %s, neither empties nor fills a bucket', (_, ...steps) => {
  const bucket = new TokenBucket(1, 2)
  for (const stepMs of steps) {
    expect([bucket.take().taken, bucket.take().taken]).toEqual([true, true])
    vi.setSystemTime(Date.now() + stepMs)
    expect(bucket.take()).toEqual({ taken: false, waitMs: 1_000 })
    vi.advanceTimersByTime(2_000)
  }
  expect(bucket.take()).toEqual({ taken: true })
})

test('after the time that a refusal tells there is a token, and before there is none', () => {
  const bucket = new TokenBucket(10, 1)
  bucket.take()
  vi.advanceTimersByTime(30)
  const refusal = bucket.take()
  expect(refusal).toEqual({ taken: false, waitMs: expect.closeTo(70) as unknown })
  vi.advanceTimersByTime(69)
  expect(bucket.take().taken).toBe(false)
  vi.advanceTimersByTime(2)
  expect(bucket.take().taken).toBe(true)
})
