import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { addUpSpending, EXCHANGE_MS, type Levels, SharedBuckets, type Spending } from './shared-buckets.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** As many processes as that, joined by a primary. */
function joined(processes: number, ratePerSecond: number, burst: number) {
  const all: SharedBuckets[] = []
  const reports: Spending[] = []
  const told: Levels[] = []
  const addUp = addUpSpending((levels) => {
    told.push(levels)
    for (const buckets of all) buckets.receive(levels)
  })
  const report = (spending: Spending) => {
    reports.push(spending)
    addUp(spending)
  }
  for (let i = 0; i < processes; i++)
    all.push(new SharedBuckets({ name: 'polls', ratePerSecond, burst, processes, report }))
  return { all: all as [SharedBuckets, ...SharedBuckets[]], reports, told }
}
/** From process to primary and back. */
const exchange = () => vi.advanceTimersByTime(2 * EXCHANGE_MS)
const countTaken = (buckets: SharedBuckets, attempts: number, key = 'one') =>
  Array.from({ length: attempts }, () => buckets.take(key)).filter(({ taken }) => taken).length

test('of 64 processes one lets a client on one connection spend the whole bucket', () => {
  const { all } = joined(64, 0.001, 1_000)
  let taken = 0
  for (let i = 0; i < 11; i++) {
    taken += countTaken(all[0], 100)
    exchange()
  }
  expect(taken).toBe(1_000)
})

test('64 processes together admit one bucket of a client on 64 connections', () => {
  const { all } = joined(64, 0.001, 128)
  let taken = 0
  for (let i = 0; i < 10; i++) {
    for (const buckets of all) taken += countTaken(buckets, 1)
    exchange()
  }
  expect(taken).toBe(128)
})

test('what a client overspends in all processes at once it lacks afterwards, and is told so', () => {
  const { all } = joined(4, 10, 10)
  expect(all.map((buckets) => countTaken(buckets, 20))).toEqual([10, 10, 10, 10])
  exchange()
  // 40 spent, 10 there, and half a token since: 30.5 must come for the next one.
  for (const buckets of all)
    expect(buckets.take('one')).toEqual({ taken: false, waitMs: expect.closeTo(3_050, -2) as unknown })
  vi.advanceTimersByTime(2_900)
  expect(all.map((buckets) => countTaken(buckets, 1))).toEqual([0, 0, 0, 0])
  vi.advanceTimersByTime(300)
  expect(countTaken(all[0], 1)).toBe(1)
})

test('in the long run a client on 64 connections gets the rate of one', () => {
  const { all } = joined(64, 100, 100)
  let taken = 0
  for (let ms = 0; ms < 60_000; ms += 100) {
    for (const buckets of all) taken += countTaken(buckets, 2)
    vi.advanceTimersByTime(100)
  }
  expect(taken).toBeGreaterThan(5_500)
  // Beside the burst, what was spent and not reported, and what was overspent since the last exchange.
  expect(taken).toBeLessThan(100 * 60 + 4 * 100)
})

test('other clients keep their buckets, in every process', () => {
  const { all } = joined(2, 0.001, 10)
  countTaken(all[0], 20, 'greedy')
  exchange()
  expect(all.map((buckets) => countTaken(buckets, 1, 'greedy'))).toEqual([0, 0])
  expect(all.map((buckets) => countTaken(buckets, 5, 'other'))).toEqual([5, 5])
})

test('a client within the share of its process is not reported, and one above half of its bucket is not told of', () => {
  const { all, reports, told } = joined(4, 0.001, 100)
  countTaken(all[0], 24)
  exchange()
  expect(reports).toEqual([])
  countTaken(all[0], 1)
  exchange()
  expect(reports).toMatchObject([{ spentOf: 'polls', tokens: [['one', 25]] }])
  expect(told).toMatchObject([{ tokens: [] }])
})

test('tokens that are given back count as not spent in any process', () => {
  const { all } = joined(2, 0.001, 10)
  for (let i = 0; i < 100; i++) {
    expect(all[0].take('one').taken).toBe(true)
    all[0].giveBack('one')
  }
  countTaken(all[0], 10)
  exchange()
  for (let i = 0; i < 10; i++) all[0].giveBack('one')
  exchange()
  expect(countTaken(all[0], 20)).toBe(10)
})

test('without a primary that answers, each process limits for itself', () => {
  const alone = () =>
    new SharedBuckets({ name: 'polls', ratePerSecond: 0.001, burst: 10, processes: 2, report: () => {} })
  const all = [alone(), alone()]
  for (let i = 0; i < 3; i++) {
    const expected = i === 0 ? [10, 10] : [0, 0]
    expect(all.map((buckets) => countTaken(buckets, 20))).toEqual(expected)
    exchange()
  }
})
