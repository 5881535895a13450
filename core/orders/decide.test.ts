import { expect, test } from 'vitest'
import { buyerOfSale, decide, type Decision, type Facts, type SaleFacts } from './decide.ts'

const NOW_MS = 1_000_000
const saleWith = (changes: Partial<SaleFacts>) =>
  new Map([['sale', { room: 10, priceCents: 100, perBuyerLimit: 3, fencedEpoch: 0, ...changes }]])
const facts = (changes: Partial<Facts> = {}): Facts => ({
  nowMs: NOW_MS,
  sales: saleWith({}),
  decided: new Map(),
  blacklist: new Set(),
  liveBuyers: new Set(),
  ...changes,
})
const reservation = (id: string, buyerId = id, quantity = 1, ageMs = 0) => ({
  reservationId: id,
  saleId: 'sale',
  buyerId,
  quantity,
  epoch: 1,
  reservedAtMs: NOW_MS - ageMs,
})
const decisions = (reservations: ReturnType<typeof reservation>[], given = facts()) =>
  decide(reservations, given, 1_000, () => 'order').map(({ decision }) =>
    decision.outcome === 'ORDERED' ? 'ORDERED' : decision.reason,
  )

test('a batch is decided as if its reservations came one by one', () => {
  expect(
    decisions(
      [reservation('a', 'a', 2), reservation('b', 'b', 2), reservation('c')],
      facts({ sales: saleWith({ room: 3 }) }),
    ),
  ).toEqual(['ORDERED', 'SOLD_OUT', 'ORDERED'])
})

test('a repeat inside the batch, or of an earlier one, gets the earlier decision and takes no room', () => {
  const earlier: Decision = { outcome: 'REJECTED', reason: 'EXPIRED' }
  const verdicts = decide(
    [reservation('a'), reservation('a'), reservation('old')],
    facts({ decided: new Map([['old', earlier]]) }),
    1_000,
    () => 'order',
  )
  expect(verdicts.map((verdict) => verdict.isNew)).toEqual([true, false, false])
  expect(verdicts[1]?.decision).toEqual({ outcome: 'ORDERED', orderId: 'order' })
  expect(verdicts[2]?.decision).toBe(earlier)
})

test('one live order per buyer and sale, within the batch and before it', () => {
  expect(decisions([reservation('a', 'ann'), reservation('b', 'ann')])).toEqual(['ORDERED', 'NOT_ELIGIBLE'])
  expect(decisions([reservation('a', 'ann')], facts({ liveBuyers: new Set([buyerOfSale('sale', 'ann')]) }))).toEqual([
    'NOT_ELIGIBLE',
  ])
})

test('more units than the limit per buyer are refused, also when there is room for them', () => {
  expect(decisions([reservation('a', 'ann', 4)])).toEqual(['NOT_ELIGIBLE'])
  expect(decisions([reservation('b', 'bob', 3)])).toEqual(['ORDERED'])
})

test('late, blacklisted, and of no known sale', () => {
  expect(decisions([reservation('a', 'a', 1, 1_001), reservation('b', 'b', 1, 1_000)])).toEqual(['EXPIRED', 'ORDERED'])
  expect(decisions([reservation('a')], facts({ blacklist: new Set(['a']) }))).toEqual(['NOT_ELIGIBLE'])
  expect(decisions([reservation('a')], facts({ sales: new Map() }))).toEqual(['SOLD_OUT'])
})

test('once Redis was rebuilt without it a reservation of an earlier epoch comes too late, and one decided before stays so', () => {
  const decided = new Map<string, Decision>([['known', { outcome: 'ORDERED', orderId: 'order' }]])
  const reservations = [
    { ...reservation('old'), epoch: 1 },
    { ...reservation('known'), epoch: 1 },
    { ...reservation('new'), epoch: 2 },
  ]
  expect(decisions(reservations, facts({ sales: saleWith({ fencedEpoch: 2 }), decided }))).toEqual([
    'EXPIRED',
    'ORDERED',
    'ORDERED',
  ])
})
