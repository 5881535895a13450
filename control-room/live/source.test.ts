import { describe, expect, test } from 'vitest'
import { eventually } from '../../test/support/eventually.ts'
import { requestCounts } from './read-requests.ts'
import { promptly, rates, sparingly } from './source.ts'

const PATIENCE_MS = 10_000

describe('a source that is asked promptly', () => {
  test('answers every sample anew, and a fault is no answer', async () => {
    let looks = 0
    const source = promptly(PATIENCE_MS, async () => {
      looks += 1
      if (looks === 2) throw new Error('away')
      return looks
    })
    expect([await source.sample(), await source.sample(), await source.sample()]).toEqual([1, null, 3])
  })

  test("is not asked twice while it is slow, and what comes late is the next sample's", async () => {
    let asked = 0
    let answer: (value: string) => void = () => {}
    const source = promptly(5, () => {
      asked += 1
      return new Promise<string>((resolve) => {
        answer = resolve
      })
    })
    expect([await source.sample(), await source.sample(), asked]).toEqual([null, null, 1])
    const next = source.sample()
    answer('late')
    expect(await next).toBe('late')
  })
})

describe('a source that is asked sparingly', () => {
  test('shows its last answer, and is not waited for', async () => {
    let reads = 0
    const source = sparingly({ everyMs: PATIENCE_MS, shareMax: 1 }, async () => {
      reads += 1
      return reads
    })
    expect(await source.sample()).toBeNull()
    await eventually('the answer', source.sample, (value) => value === 1)
    expect([await source.sample(), await source.sample(), reads]).toEqual([1, 1, 1])
  })

  test('is asked again when it is due, and shows nothing once it does not answer', async () => {
    let reads = 0
    const source = sparingly({ everyMs: 0, shareMax: 1 }, async () => {
      reads += 1
      if (reads > 2) throw new Error('away')
      return reads
    })
    await eventually('the second answer', source.sample, (value) => value === 2)
    expect(await eventually('none any more', source.sample, (value) => value === null)).toBeNull()
  })
})

test('rates come from growth; the first, and one after a counter began anew, are not known', async () => {
  const rate = rates<{ count: number }>()
  expect(rate({ count: 100 })).toBeNull()
  await new Promise(setImmediate)
  expect(rate({ count: 100 })).toEqual({ count: 0 })
  expect(rate({ count: 200 })?.count).toBeGreaterThan(0)
  expect(rate({ count: 5 })).toBeNull()
})

test('over several readings a rate is their average', async () => {
  const [plain, averaged] = [rates<{ count: number }>(), rates<{ count: number }>(2)]
  const both = async (count: number) => {
    const before = performance.now()
    await eventually(
      'the clock to go on',
      () => performance.now(),
      (now) => now > before,
    )
    return [plain({ count })?.count, averaged({ count })?.count]
  }
  await both(0)
  await both(1_000)
  const [now, average = 0] = await both(1_000)
  expect(now).toBe(0)
  expect(average).toBeGreaterThan(0)
})

test("every outcome of the gateway's metrics is counted in a group of the page", () => {
  const counter = (name: string, counts: Record<string, number>) => ({
    name,
    type: 'counter',
    values: Object.entries(counts).map(([outcome, value]) => ({ value, labels: { outcome, service: 'gateway' } })),
  })
  const metrics = [
    { name: 'nodejs_eventloop_lag_seconds', type: 'gauge', values: [{ value: null, labels: {} }] },
    counter('seckill_purchases_total', {
      ACCEPTED: 1,
      DUPLICATE: 2,
      SOLD_OUT: 4,
      RATE_LIMITED: 8,
      CROWDED: 16,
      BUSY: 32,
      UNAVAILABLE: 64,
      NOT_STARTED: 128,
      NEW_ONE: 256,
      TICKET_REQUIRED: 512,
      LAPSED: 1_024,
    }),
    counter('seckill_other_total', { ACCEPTED: 9 }),
  ]
  expect(requestCounts(metrics)).toEqual({
    accepted: 1,
    repeated: 2,
    soldOut: 4,
    limited: 24,
    busy: 96,
    opening: 1_536,
    other: 384,
  })
  expect(requestCounts([])).toEqual({ accepted: 0, repeated: 0, soldOut: 0, limited: 0, busy: 0, opening: 0, other: 0 })
})
