import { expect, test } from 'vitest'
import { comeBackMs } from './come-back.ts'

const waits = (failures: number, toldMs?: number) => Array.from({ length: 200 }, () => comeBackMs(failures, toldMs))
const range = (all: number[]) => [Math.min(...all), Math.max(...all)] as const

test.each([
  ['at first', 1, undefined, 500],
  ['twice as long after another failure', 2, undefined, 1_000],
  ['never longer than the longest', 60, undefined, 8_000],
  ['as long as it was told', 1, 3_000, 3_000],
  ['longer than it was told when that has failed again and again', 5, 1_000, 8_000],
])('a client waits %s, and never all of them the same time', (_, failures, toldMs, leastMs) => {
  const [shortest, longest] = range(waits(failures, toldMs))
  expect(shortest).toBeGreaterThanOrEqual(leastMs)
  expect(longest).toBeLessThanOrEqual(1.5 * leastMs)
  expect(longest).toBeGreaterThan(1.2 * leastMs)
})
