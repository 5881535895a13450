import { Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { clockCheck, showClockOffset } from './clock-check.ts'

const check = (aheadMs: number) => clockCheck('Redis', async () => Date.now() - aheadMs, 300_000)()

test.each([0, 299_000, -299_000])('clocks %s ms apart are within the tolerance', async (aheadMs) => {
  expect(await check(aheadMs)).toBe(true)
})

test.each([
  [310_000, /310 s ahead of that of Redis.* by 300 s/],
  [-3_600_000, /3600 s behind that of Redis/],
])('clocks %s ms apart are reported', async (aheadMs, detail) => {
  expect(await check(aheadMs)).toEqual({ code: 'CLOCK_WRONG', detail: expect.stringMatching(detail) as unknown })
})

test('the check passes when the server does not answer, which another check reports', async () => {
  expect(await clockCheck('Redis', () => Promise.reject(new Error('away')), 1)()).toBe(true)
})

test('however often it is asked, the reference clock is read once in a second', async () => {
  const readMs = vi.fn<() => Promise<number>>(() => Promise.resolve(Date.now()))
  const asked = clockCheck('Redis', readMs, 1_000)
  vi.useFakeTimers()
  try {
    for (let i = 0; i < 100; i++) expect(await asked()).toBe(true)
    expect(readMs).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(1_000)
    await asked()
    expect(readMs).toHaveBeenCalledTimes(2)
  } finally {
    vi.useRealTimers()
  }
})

test.each([60_000, -60_000])(
  'a clock %s ms off is shown by how far it is off, and none that cannot be read',
  async (aheadMs) => {
    const registry = new Registry()
    const readMs = vi.fn<() => Promise<number>>(() => Promise.resolve(Date.now() - aheadMs))
    showClockOffset(registry, readMs)
    const shown = async () =>
      /^seckill_clock_offset_seconds\{clock="process"\} (\S+)$/m.exec(await registry.metrics())?.[1]
    expect(Number(await shown())).toBeCloseTo(60, 0)
    readMs.mockRejectedValue(new Error('away'))
    expect(await shown()).toBeUndefined()
  },
)
