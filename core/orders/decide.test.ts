import { describe, expect, test } from 'vitest'
import type { Reservation } from '../contracts/messages.ts'
import { orderIdOf } from '../contracts/order-id.ts'
import { buyerOfSale, decide, type Decision, type Facts, type SaleFacts } from './decide.ts'

const NOW_MS = 1_000_000
const LIFETIME_MS = 1_000

const SALE: SaleFacts = {
  room: 10,
  orderedUnits: 0,
  priceCents: 100,
  perBuyerLimit: 3,
  earlierTerms: [],
  fencedEpoch: 0,
  shardFences: [],
}
const saleWith = (changes: Partial<SaleFacts>) => new Map([['sale', { ...SALE, ...changes }]])
const live = (units: Record<string, number>) =>
  new Map(Object.entries(units).map(([buyerId, count]) => [buyerOfSale('sale', buyerId), count]))

const reserved = (reservationId: string, changes: Partial<Reservation> = {}): Reservation => ({
  reservationId,
  saleId: 'sale',
  buyerId: reservationId,
  quantity: 1,
  epoch: 1,
  reservedAtMs: NOW_MS,
  ...changes,
})
/** Reservations of one buyer, of so many units each. */
const buys = (buyerId: string, ...quantities: number[]) =>
  quantities.map((quantity, i) => reserved(`${buyerId}-${i}`, { buyerId, quantity }))

const given = (changes: Partial<Facts> = {}) => {
  const facts: Facts = {
    nowMs: NOW_MS,
    sales: saleWith({}),
    decided: new Map(),
    blacklist: new Set(),
    liveUnits: new Map(),
    ...changes,
  }
  return {
    when: (...reservations: Reservation[]) => {
      const verdicts = decide(reservations, facts, LIFETIME_MS)
      const decisions = verdicts.map(({ decision }) => (decision.outcome === 'ORDERED' ? 'ORDERED' : decision.reason))
      return { verdicts, decisions }
    },
  }
}

test('a batch is decided as if its reservations came one by one', () => {
  expect(
    given({ sales: saleWith({ room: 3 }) }).when(
      reserved('a', { quantity: 2 }),
      reserved('b', { quantity: 2 }),
      reserved('c'),
    ).decisions,
  ).toEqual(['ORDERED', 'SOLD_OUT', 'ORDERED'])
})

test('a repeat inside the batch, or of an earlier one, gets the earlier decision and takes no room', () => {
  const earlier: Decision = { outcome: 'REJECTED', reason: 'EXPIRED' }
  const { verdicts } = given({ decided: new Map([['old', earlier]]) }).when(
    reserved('a'),
    reserved('a'),
    reserved('old'),
  )
  expect(verdicts.map((verdict) => verdict.isNew)).toEqual([true, false, false])
  expect(verdicts[1]?.decision).toEqual({ outcome: 'ORDERED', orderId: orderIdOf('a') })
  expect(verdicts[2]?.decision).toBe(earlier)
})

test('an order is paid at once when it costs nothing and neither coupon nor points are to be taken', () => {
  const { verdicts } = given({ sales: saleWith({ priceCents: 0, room: 3 }) }).when(
    reserved('free'),
    reserved('with coupon', { couponCode: 'HELLO-1' }),
    reserved('with points', { points: 5 }),
    reserved('too late for one'),
  )
  expect(verdicts.map(({ isPaid = false }) => isPaid)).toEqual([true, false, false, false])
})

test('the terms are those that the reservation was made under; under others there is no order', () => {
  const earlierTerms = [
    { priceCents: 50, perBuyerLimit: 5 },
    { priceCents: 0, perBuyerLimit: 1 },
  ]
  const { verdicts } = given({ sales: saleWith({ earlierTerms }) }).when(
    reserved('first', { quantity: 5 }),
    reserved('free', { terms: 1 }),
    reserved('newest', { terms: 2, quantity: 3 }),
    reserved('none', { terms: 3 }),
    reserved('above', { terms: 1, quantity: 2 }),
  )
  expect(verdicts.map(({ priceCents, limitPerBuyer, isPaid = false }) => [priceCents, limitPerBuyer, isPaid])).toEqual([
    [50, 5, false],
    [0, 1, true],
    [100, 3, false],
    [undefined, undefined, false],
    [0, 1, false],
  ])
  expect(verdicts.map(({ decision }) => ('reason' in decision ? decision.reason : decision.outcome))).toEqual([
    'ORDERED',
    'ORDERED',
    'ORDERED',
    'NOT_ELIGIBLE',
    'NOT_ELIGIBLE',
  ])
})

describe('with a limit of 3', () => {
  test('a buyer may buy 3 units in one purchase, in two or in three, and no more', () => {
    expect(given().when(...buys('ann', 3, 1)).decisions).toEqual(['ORDERED', 'NOT_ELIGIBLE'])
    expect(given().when(...buys('ann', 1, 2, 1)).decisions).toEqual(['ORDERED', 'ORDERED', 'NOT_ELIGIBLE'])
    expect(given().when(...buys('ann', 1, 1, 1, 1)).decisions).toEqual([
      'ORDERED',
      'ORDERED',
      'ORDERED',
      'NOT_ELIGIBLE',
    ])
  })

  test('a buyer who has 1 may buy 2 more, in one purchase or two', () => {
    const annHas1 = given({ liveUnits: live({ ann: 1 }) })
    expect(annHas1.when(...buys('ann', 2, 1)).decisions).toEqual(['ORDERED', 'NOT_ELIGIBLE'])
    expect(annHas1.when(...buys('ann', 1, 1, 1)).decisions).toEqual(['ORDERED', 'ORDERED', 'NOT_ELIGIBLE'])
  })

  test('a purchase that exceeds the limit is refused whole, and a smaller one after it is not', () => {
    expect(given({ liveUnits: live({ ann: 2 }) }).when(...buys('ann', 2, 1)).decisions).toEqual([
      'NOT_ELIGIBLE',
      'ORDERED',
    ])
  })

  test('more units than the limit are refused at once, also when there is room for them', () => {
    expect(given().when(...buys('ann', 4)).decisions).toEqual(['NOT_ELIGIBLE'])
    expect(given().when(...buys('bob', 3)).decisions).toEqual(['ORDERED'])
  })

  test('what a buyer has in one sale, or another buyer in this one, does not count', () => {
    const sales = { sale: SALE, other: { ...SALE, perBuyerLimit: 1 } }
    expect(
      given({ sales: new Map(Object.entries(sales)), liveUnits: live({ ann: 3 }) }).when(
        reserved('a', { buyerId: 'ann', saleId: 'other' }),
        ...buys('bob', 3),
      ).decisions,
    ).toEqual(['ORDERED', 'ORDERED'])
  })

  test('what was refused, and what is decided again, does not count', () => {
    expect(
      given({ liveUnits: live({ ann: 1 }) }).when(
        reserved('late', { buyerId: 'ann', reservedAtMs: NOW_MS - LIFETIME_MS - 1 }),
        ...buys('ann', 1),
        ...buys('ann', 1),
        reserved('last', { buyerId: 'ann' }),
      ).decisions,
    ).toEqual(['EXPIRED', 'ORDERED', 'ORDERED', 'ORDERED'])
  })
})

test('a buyer who has more than a limit that was lowered meanwhile gets no more', () => {
  expect(
    given({ sales: saleWith({ perBuyerLimit: 1 }), liveUnits: live({ ann: 3 }) }).when(...buys('ann', 1)).decisions,
  ).toEqual(['NOT_ELIGIBLE'])
})

test('a verdict says what its buyer was allowed; without a sale nothing is known of it', () => {
  const { verdicts } = given().when(reserved('a'), reserved('b', { quantity: 4 }), reserved('c', { saleId: 'none' }))
  expect(verdicts.map(({ limitPerBuyer }) => limitPerBuyer)).toEqual([3, 3, undefined])
})

test('late, blacklisted, and of no known sale', () => {
  expect(
    given().when(
      reserved('a', { reservedAtMs: NOW_MS - LIFETIME_MS - 1 }),
      reserved('b', { reservedAtMs: NOW_MS - LIFETIME_MS }),
    ).decisions,
  ).toEqual(['EXPIRED', 'ORDERED'])
  expect(given({ blacklist: new Set(['a']) }).when(reserved('a')).decisions).toEqual(['NOT_ELIGIBLE'])
  expect(given({ sales: new Map() }).when(reserved('a')).decisions).toEqual(['SOLD_OUT'])
})

test('of a sale of which some shards were rebuilt, only their reservations of an earlier epoch come too late', () => {
  const sales = saleWith({ fencedEpoch: 4, shardFences: [2, 4, 3] })
  const decisions = (ids: string[], epoch: number) =>
    given({ sales }).when(...ids.map((id) => reserved(id, { epoch }))).decisions
  expect(decisions(['sale.a', 'sale.1.a', 'sale.2.a', 'sale.x.a'], 3)).toEqual([
    'ORDERED',
    'EXPIRED',
    'ORDERED',
    'EXPIRED',
  ])
  expect(decisions(['sale.b', 'sale.1.b', 'sale.2.b'], 2)).toEqual(['ORDERED', 'EXPIRED', 'EXPIRED'])
})

test('once Redis was rebuilt without it a reservation of an earlier epoch comes too late, and one decided before stays so', () => {
  const decided = new Map<string, Decision>([['known', { outcome: 'ORDERED', orderId: 'order' }]])
  expect(
    given({ sales: saleWith({ fencedEpoch: 2 }), decided }).when(
      reserved('old', { epoch: 1 }),
      reserved('known', { epoch: 1 }),
      reserved('new', { epoch: 2 }),
    ).decisions,
  ).toEqual(['EXPIRED', 'ORDERED', 'ORDERED'])
})
