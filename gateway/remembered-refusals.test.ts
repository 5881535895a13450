import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ReserveOutcome, ReserveRequest } from '../core/stock/reserving.ts'
import type { SaleFigures } from '../core/stock/sale-figures.ts'
import { rememberRefusals } from './remembered-refusals.ts'
import type { Reserve } from './reserve-in-batches.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const sale = (saleId: string) => ({ saleId }) as SaleFigures
const request = (buyerId: string, address: string) => ({ buyerId, address }) as ReserveRequest
const RESERVED = { status: 'RESERVED', reservedAtMs: 0, pendingEntry: '0-1' } as const

/** Redis that gives these answers, and how often it was asked. */
function answering(answers: ReserveOutcome[], bucket = { ratePerSecond: 10_000, burst: 10_000 }) {
  const asked = vi.fn<Reserve>(() => Promise.resolve(answers.shift() ?? RESERVED))
  const { reserve, recall } = rememberRefusals(asked, bucket)
  const attempt: Reserve = async (of, by) => recall(of, by.buyerId, by.address) ?? (await reserve(of, by))
  return { asked, reserve: attempt }
}

test.each<ReserveOutcome>([
  { status: 'RATE_LIMITED', retryAfterMs: 200 },
  { status: 'CROWDED', retryAfterMs: 200 },
])('until the time that Redis told, %j is repeated without asking it', async (refusal) => {
  const { asked, reserve } = answering([refusal])
  const attempt = () => reserve(sale('one'), request('eve', '10.0.0.1'))
  expect(await attempt()).toEqual(refusal)
  vi.advanceTimersByTime(150)
  for (let i = 0; i < 100; i++) expect(await attempt()).toEqual({ ...refusal, retryAfterMs: 50 })
  expect(asked).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(50)
  expect(await attempt()).toEqual(RESERVED)
})

test("a refused buyer's refusal is not another's, nor of another address or sale", async () => {
  const { reserve } = answering([{ status: 'RATE_LIMITED', retryAfterMs: 200 }])
  await reserve(sale('one'), request('eve', '10.0.0.1'))
  expect(await reserve(sale('one'), request('bob', '10.0.0.1'))).toEqual(RESERVED)
  expect(await reserve(sale('one'), request('eve', '10.0.0.2'))).toEqual(RESERVED)
  expect(await reserve(sale('two'), request('eve', '10.0.0.1'))).toEqual(RESERVED)
})

test('a crowded sale refuses every buyer for a moment, and no other sale', async () => {
  const { asked, reserve } = answering([{ status: 'CROWDED', retryAfterMs: 0.1 }])
  expect(await reserve(sale('one'), request('eve', '10.0.0.1'))).toEqual({ status: 'CROWDED', retryAfterMs: 50 })
  expect(await reserve(sale('one'), request('bob', '10.0.0.2'))).toMatchObject({ status: 'CROWDED' })
  expect(await reserve(sale('two'), request('bob', '10.0.0.2'))).toEqual(RESERVED)
  expect(asked).toHaveBeenCalledTimes(2)
  vi.advanceTimersByTime(50)
  expect(await reserve(sale('one'), request('bob', '10.0.0.2'))).toEqual(RESERVED)
})

test('the moment ends before the bucket of the sale is full again: none of its tokens is lost', async () => {
  const { reserve } = answering([{ status: 'CROWDED', retryAfterMs: 1 }], { ratePerSecond: 1_000, burst: 10 })
  await reserve(sale('one'), request('eve', '10.0.0.1'))
  vi.advanceTimersByTime(5)
  expect(await reserve(sale('one'), request('eve', '10.0.0.1'))).toEqual(RESERVED)
})

test('a long refusal is asked for again after a second, for the clock of Redis may have been set', async () => {
  const { asked, reserve } = answering([{ status: 'RATE_LIMITED', retryAfterMs: 3_600_000 }])
  const attempt = () => reserve(sale('one'), request('eve', '10.0.0.1'))
  await attempt()
  vi.advanceTimersByTime(999)
  expect(await attempt()).toEqual({ status: 'RATE_LIMITED', retryAfterMs: 3_599_001 })
  expect(asked).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(1)
  expect(await attempt()).toEqual(RESERVED)
})
