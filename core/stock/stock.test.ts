import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { orderIdOf } from '../contracts/order-id.ts'
import { eventually } from '../../test/support/eventually.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { slowed } from '../../test/support/patience.ts'
import { reservationsIn } from '../../test/support/find-reservation.ts'
import { generous, reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { layoutOf, scriptsOn } from './scripts.ts'
import { memberOf } from './reservation.ts'
import type { ReserveLimits, ReserveRequest } from './reserving.ts'
import type { SaleFigures } from './sale-figures.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(async () => {
  await world.close()
})

const reserve = (asked: ReturnType<typeof request>, limits?: ReserveLimits) =>
  reserveOne(world.stock, asked, asked, limits)

let made = 0
async function loadedSale(changes: Partial<SaleFigures> = {}): Promise<SaleFigures> {
  const sale: SaleFigures = {
    saleId: `stock-${made++}`,
    epoch: 1,
    title: 'A sale',
    priceCents: 100,
    total: 3,
    left: 3,
    perBuyerLimit: 2,
    opensAtMs: Date.now() - 1_000,
    closesAtMs: Date.now() + 60_000,
    ...changes,
  }
  await loadSale(world, sale, ['banned'])
  return sale
}
const request = (
  sale: SaleFigures,
  buyerId: string,
  quantity = 1,
): ReserveRequest & Pick<SaleFigures, 'saleId' | 'epoch' | 'total' | 'shards'> => ({
  saleId: sale.saleId,
  epoch: sale.epoch,
  total: sale.total,
  reservationId: `${sale.saleId}.${buyerId}`,
  buyerId,
  address: '192.0.2.1',
  quantity,
  limitPerBuyer: sale.perBuyerLimit,
})
/** Has token buckets of a sale say what a clock has left that was 40 days ahead. */
const setMarks = async (sale: SaleFigures, marks: string[]) => {
  const [found = ''] = await world.redis.keys(world.stock.keys.sale(sale.saleId).replace(/sale$/, 'marks:*'))
  await world.redis.hset(found, Object.fromEntries(marks.map((mark) => [mark, 40 * 86_400_000_000])))
}
/** Every key of a sale but the token buckets, as Redis would dump it. */
async function everything({ saleId }: SaleFigures) {
  const keys = await world.redis.keys(world.stock.keys.sale(saleId).replace(/sale$/, '[^m]*'))
  return Promise.all(keys.sort().map(async (key) => [key, (await world.redis.dumpBuffer(key))?.toString('base64')]))
}
const left = async (sale: SaleFigures) => (await world.stock.readSale(sale.saleId))?.left
const ref = (sale: SaleFigures, buyerId: string) => ({
  saleId: sale.saleId,
  reservationId: `${sale.saleId}.${buyerId}`,
  buyerId,
  quantity: 1,
})
const refused = { status: 'REJECTED', reason: 'BUSY', giveBack: true } as const

describe('reserving', () => {
  test('sets the units aside, marks the buyer, and leaves an entry for the resender', async () => {
    const sale = await loadedSale()
    expect(await reserve(request(sale, 'ann', 2))).toMatchObject({ status: 'RESERVED' })
    expect(await left(sale)).toBe(1)
    expect(await world.stock.countPending(sale.saleId)).toBe(1)
    expect(await world.stock.countUndecided(sale.saleId)).toBe(1)
    expect(await world.stock.readReservation(ref(sale, 'ann'))).toMatchObject({
      status: 'RESERVED',
      buyerId: 'ann',
      quantity: 2,
    })
  })

  test('is refused while the sale is stopped, and under other terms; what is reserved keeps its own', async () => {
    const stopped = await loadedSale({ isStopped: true })
    expect(await reserve(request(stopped, 'ann'))).toEqual({ status: 'STOPPED' })
    const changed = await loadedSale({ terms: 2 })
    for (const terms of [undefined, 1, 3])
      expect(await reserveOne(world.stock, { ...changed, terms }, request(changed, 'ann'))).toEqual({
        status: 'TERMS_CHANGED',
      })
    expect(await left(changed)).toBe(3)
    expect(await reserveOne(world.stock, changed, request(changed, 'ann'))).toMatchObject({ status: 'RESERVED' })
    expect(await world.stock.claimPending(changed.saleId, 0, 10)).toMatchObject([{ buyerId: 'ann', terms: 2 }])
    // A second purchase rewrites the record of the first.
    await reserveOne(world.stock, changed, {
      ...request(changed, 'ann'),
      reservationId: `${changed.saleId}.2`,
      key: 'k',
    })
    expect(await world.stock.readReservation(ref(changed, 'ann'))).toMatchObject({ status: 'RESERVED', terms: 2 })
  })

  test('never goes below zero and never takes part of what was asked', async () => {
    const sale = await loadedSale({ left: 1 })
    expect(await reserve(request(sale, 'greedy', 2))).toEqual({ status: 'SOLD_OUT', left: 1 })
    expect(await reserve(request(sale, 'modest'))).toMatchObject({ status: 'RESERVED' })
    expect(await reserve(request(sale, 'third'))).toEqual({ status: 'SOLD_OUT', left: 0 })
    expect(await left(sale)).toBe(0)
  })

  test('several buyers in one call get no more than there is, each the outcome of their own', async () => {
    const sale = await loadedSale()
    const buyers = ['ann', 'bob', 'ann', 'banned', 'carl', 'dora']
    const requests = buyers.map((buyerId, i) => ({
      reservationId: `${sale.saleId}.${i}`,
      buyerId,
      quantity: 1,
      limitPerBuyer: 2,
      address: '192.0.2.1',
    }))
    const outcomes = await world.stock.reserve(sale, requests, generous)
    expect(outcomes.map(({ status }) => status)).toEqual([
      'RESERVED',
      'RESERVED',
      'DUPLICATE',
      'BLACKLISTED',
      'RESERVED',
      'SOLD_OUT',
    ])
    expect(outcomes[2]).toMatchObject({ status: 'DUPLICATE', reservation: { reservationId: `${sale.saleId}.0` } })
    expect(await left(sale)).toBe(0)
    expect(await world.stock.countPending(sale.saleId)).toBe(3)
  })

  test('several buyers in one call share the bound on what may wait for the broker', async () => {
    const sale = await loadedSale()
    const requests = ['ann', 'bob', 'carl'].map((buyerId) => ({
      reservationId: `${sale.saleId}.${buyerId}`,
      buyerId,
      quantity: 1,
      limitPerBuyer: 2,
      address: '192.0.2.1',
    }))
    const outcomes = await world.stock.reserve(sale, requests, { ...generous, maxPending: 2 })
    expect(outcomes.map(({ status }) => status)).toEqual(['RESERVED', 'RESERVED', 'BUSY'])
    expect(await left(sale)).toBe(1)
  })

  test('the bucket of the sale is shared by all callers, and charged only to buyers whom their own buckets let through', async () => {
    const sale = await loadedSale()
    const limits = {
      ...generous,
      buyer: { ratePerSecond: 0.001, burst: 1 },
      sale: { ratePerSecond: 0.001, burst: 3 },
    }
    const call = (...buyers: string[]) =>
      world.stock.reserve(
        sale,
        buyers.map((buyerId, i) => ({
          reservationId: `${sale.saleId}.${buyerId}${i}`,
          buyerId,
          quantity: 9,
          limitPerBuyer: 2,
          address: '192.0.2.1',
        })),
        limits,
      )
    expect((await call('banned', 'ann', 'ann', 'bob')).map(({ status }) => status)).toEqual([
      'BLACKLISTED',
      'OVER_LIMIT',
      'RATE_LIMITED',
      'OVER_LIMIT',
    ])
    const [third, , fourth] = await call('carl', 'ann', 'dora')
    expect([third?.status, fourth?.status]).toEqual(['OVER_LIMIT', 'CROWDED'])
    expect(fourth).toMatchObject({ retryAfterMs: expect.closeTo(1_000_000, -5) as unknown })
  })

  test('gateways with other limits have buckets of their own, and refill none of each other', async () => {
    const sale = await loadedSale()
    const strict = { ...generous, buyer: { ratePerSecond: 0.001, burst: 1 } }
    const stricter = { ...generous, buyer: { ratePerSecond: 0.000_1, burst: 1 } }
    const statuses = []
    for (const limits of [strict, stricter, strict, stricter])
      statuses.push((await reserve(request(sale, 'ann', 9), limits)).status)
    expect(statuses).toEqual(['OVER_LIMIT', 'OVER_LIMIT', 'RATE_LIMITED', 'RATE_LIMITED'])
  })

  test('a clock that was an hour ahead when the bucket of the sale was written refuses no buyer for an hour', async () => {
    const sale = await loadedSale()
    const limits = { ...generous, sale: { ratePerSecond: 0.001, burst: 100 } }
    await reserve(request(sale, 'ann'), limits)
    await setMarks(sale, ['\tsale'])
    expect(await reserve(request(sale, 'bob'), limits)).toMatchObject({ status: 'RESERVED' })
  })

  test('refuses a caller of another epoch, and every caller when the data is gone', async () => {
    const sale = await loadedSale()
    expect(await reserve({ ...request(sale, 'ann'), epoch: 2 })).toEqual({ status: 'UNAVAILABLE' })
    await world.redis.del(world.stock.keys.sale(sale.saleId))
    expect(await reserve(request(sale, 'ann'))).toEqual({ status: 'UNAVAILABLE' })
  })

  test('takes nothing when it runs after its caller has stopped waiting', async () => {
    const sale = await loadedSale()
    await world.stock.clock.sync()
    expect(await reserve(request(sale, 'ann'), { ...generous, patienceMs: -50 })).toEqual({ status: 'UNAVAILABLE' })
    expect(await left(sale)).toBe(3)
    expect(await reserve(request(sale, 'ann'))).toMatchObject({ status: 'RESERVED' })
  })

  test('a step of the clock of its process, an hour ahead or back, refuses no buyer', async () => {
    const sale = await loadedSale()
    await world.stock.clock.sync()
    const now = Date.now()
    try {
      for (const [buyerId, stepMs] of [['ahead', 3_600_000] as const, ['back', -3_600_000] as const]) {
        vi.spyOn(Date, 'now').mockReturnValue(now + stepMs)
        expect(await reserve(request(sale, buyerId))).toMatchObject({ status: 'RESERVED' })
      }
    } finally {
      vi.restoreAllMocks()
    }
  })

  test('is BUSY before anything is taken when too many wait for the broker', async () => {
    const sale = await loadedSale()
    await reserve(request(sale, 'ann'))
    expect(await reserve(request(sale, 'bob'), { ...generous, maxPending: 1 })).toEqual({ status: 'BUSY' })
    const ofTwoShards = { ...request(sale, 'bob'), shards: 2 }
    expect(await reserve(ofTwoShards, { ...generous, maxPending: 2 })).toEqual({ status: 'BUSY' })
    expect(await left(sale)).toBe(2)
  })

  test('knows the window, the blacklist and the limit per buyer', async () => {
    const sale = await loadedSale()
    expect(await reserve(request(sale, 'banned'))).toEqual({ status: 'BLACKLISTED' })
    expect(await reserve(request(sale, 'ann', 3))).toEqual({ status: 'OVER_LIMIT', limitPerBuyer: 2, held: 0 })
    const later = await loadedSale({ opensAtMs: Date.now() + 10_000 })
    expect(await reserve(request(later, 'ann'))).toMatchObject({ status: 'NOT_STARTED', opensAtMs: later.opensAtMs })
    expect(await left(sale)).toBe(3)
  })

  test('refills a bucket at its rate', async () => {
    const sale = await loadedSale()
    // Slow enough that the second attempt finds none.
    const limits = { ...generous, buyer: { ratePerSecond: 2_000 / slowed(1_000), burst: 1 } }
    expect((await reserve(request(sale, 'ann'), limits)).status).toBe('RESERVED')
    const limited = await reserve(request(sale, 'ann'), limits)
    expect(limited).toMatchObject({ status: 'RATE_LIMITED' })
    await eventually(
      'a token',
      () => reserve(request(sale, 'ann'), limits),
      ({ status }) => status === 'DUPLICATE',
    )
  })

  test('a mark that a clock ahead has left counts as a full bucket, and one that is used up stays used up', async () => {
    const sale = await loadedSale()
    const slow = { ratePerSecond: 0.01, burst: 2 }
    await reserve(request(sale, 'bob'), { ...generous, buyer: slow, address: slow })
    await setMarks(sale, ['ann', '\t192.0.2.1'])
    const statuses = []
    for (let i = 0; i < 3; i++)
      statuses.push((await reserve(request(sale, 'ann'), { ...generous, buyer: slow, address: slow })).status)
    expect(statuses).toEqual(['RESERVED', 'DUPLICATE', 'RATE_LIMITED'])
  })

  test('a buyer named as an address, or as the sale is, has a bucket of their own', async () => {
    const sale = await loadedSale({ total: 4, left: 4 })
    const limits = { ...generous, sale: generous.address, buyer: { ratePerSecond: 0.001, burst: 1 } }
    for (const [i, buyerId] of [' 192.0.2.1', '192.0.2.1', '{sale}', '{window}'].entries()) {
      const attempt = { ...request(sale, `r${i}`), buyerId }
      expect(await reserve(attempt, limits)).toMatchObject({ status: 'RESERVED' })
      expect(await reserve(attempt, limits)).toMatchObject({ status: 'RATE_LIMITED' })
    }
  })

  test('leaves nothing that lives for ever', async () => {
    const sale = await loadedSale()
    await reserve(request(sale, 'ann'))
    const keys = await world.redis.keys(world.stock.keys.sale(sale.saleId).replace(/sale$/, '*'))
    const lifetimes = await Promise.all(keys.map((key) => world.redis.pttl(key)))
    expect(keys).toContain(world.stock.keys.pending(sale.saleId))
    expect(lifetimes).not.toContain(-1)
  })
})

describe('several purchases of a buyer', () => {
  const ascending = (one: number, other: number) => one - other
  const buy = (sale: SaleFigures, reservationId: string, quantity: number, key?: string) =>
    reserve({
      ...request(sale, 'ann', quantity),
      limitPerBuyer: 3,
      reservationId: `${sale.saleId}.${reservationId}`,
      key,
    })

  test('reach the limit together, and what has ended may be bought again', async () => {
    const sale = await loadedSale({ total: 10, left: 10 })
    expect(await buy(sale, 'first', 1)).toMatchObject({ status: 'RESERVED' })
    expect(await buy(sale, 'second', 3, 'more')).toEqual({ status: 'OVER_LIMIT', limitPerBuyer: 3, held: 1 })
    expect(await buy(sale, 'second', 2, 'more')).toMatchObject({ status: 'RESERVED' })
    expect(await buy(sale, 'third', 1, 'last')).toEqual({ status: 'OVER_LIMIT', limitPerBuyer: 3, held: 3 })
    expect(await left(sale)).toBe(7)
    const second = { saleId: sale.saleId, reservationId: `${sale.saleId}.second`, buyerId: 'ann', quantity: 2 }
    expect(await world.stock.release(second, refused)).toBe('RELEASED')
    expect(await buy(sale, 'third', 2, 'last')).toMatchObject({ status: 'RESERVED' })
    expect(await left(sale)).toBe(7)
  })

  test('have a key each: the same one gets the same reservation, with another body it is told what is held', async () => {
    const sale = await loadedSale({ total: 10, left: 10 })
    await buy(sale, 'first', 1)
    await buy(sale, 'second', 2, 'more')
    for (const [id, key, quantity] of [
      ['first', undefined, 1],
      ['second', 'more', 2],
    ] as const) {
      const reservation = { reservationId: `${sale.saleId}.${id}`, quantity, status: 'RESERVED' }
      expect(await world.stock.readReservation({ ...reservation, buyerId: 'ann' })).toMatchObject(reservation)
      expect(await buy(sale, 'again', quantity, key)).toMatchObject({ status: 'DUPLICATE', reservation })
      expect(await buy(sale, 'again', 3 - quantity, key)).toMatchObject({ status: 'KEY_REUSED', reservation })
      const withCoupon = { ...request(sale, 'ann', quantity), limitPerBuyer: 3, key, wishes: { couponCode: 'TEN' } }
      expect(await reserve(withCoupon)).toMatchObject({ status: 'KEY_REUSED', reservation })
    }
    await world.stock.settle(sale.saleId, 'ORDERED', [
      { reservationId: `${sale.saleId}.first`, buyerId: 'ann', orderId: 'order-1' },
    ])
    expect(await buy(sale, 'again', 1)).toMatchObject({ reservation: { status: 'ORDERED', orderId: 'order-1' } })
    expect(await left(sale)).toBe(7)
  })

  test('a hundred at once, of any quantity and key, end at the limit exactly', async () => {
    const sale = await loadedSale({ total: 100, left: 100 })
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, i) => buy(sale, `r${i}`, (i % 3) + 1, `key-${i % 40}`)),
    )
    const taken = outcomes.flatMap(({ status }, i) => (status === 'RESERVED' ? [(i % 3) + 1] : []))
    const units = taken.reduce((sum, quantity) => sum + quantity, 0)
    expect([units, await left(sale)]).toEqual([3, 97])
    const held = await reservationsIn(world, sale.saleId)
    expect(held.map(({ quantity }) => quantity).sort(ascending)).toEqual(taken.sort(ascending))
  })
})

test('the record of a buyer is bounded: the oldest ended reservations go, a live one never', async () => {
  const sale = await loadedSale({ total: 1_000, left: 1_000 })
  const name = (i: number) => ({ ...ref(sale, 'ann'), reservationId: `${sale.saleId}.r${i}` })
  const buy = (i: number) => reserve({ ...request(sale, 'ann'), ...name(i), limitPerBuyer: 1_000, key: `key-${i}` })
  for (let i = 0; i < 20; i++) {
    await buy(i)
    if (i > 0) await world.stock.release(name(i), refused)
  }
  await buy(20)
  const kept = (await reservationsIn(world, sale.saleId)).map(({ reservationId }) => reservationId)
  expect(kept).toEqual([0, 12, 13, 14, 15, 16, 17, 18, 19, 20].map((i) => name(i).reservationId))
  for (let i = 21; i < 69; i++) expect(await buy(i)).toMatchObject({ status: 'RESERVED' })
  expect(await buy(69)).toEqual({ status: 'TOO_MANY' })
})

test.each(['book', 'pending', 'undecided', 'orders', 'holders', 'blacklist'] as const)(
  'a %s of another type than ours fails every script, and none leaves half a state',
  async (kind) => {
    const sale = await loadedSale()
    await reserve(request(sale, 'ann'))
    const key = world.stock.keys[kind](sale.saleId)
    await world.redis.del(key)
    await world.redis.xadd(key, '*', 'not', 'ours')
    const before = await everything(sale)
    const settle = () => world.stock.settle(sale.saleId, 'ORDERED', [{ ...ref(sale, 'ann'), orderId: 'order' }])
    const calls = {
      blacklist: () => reserve(request(sale, 'bob')),
      holders: () => reserve(request(sale, 'bob')),
      pending: () => world.stock.release(ref(sale, 'ann'), refused),
      undecided: settle,
      orders: settle,
      book: () => reserve(request(sale, 'bob')),
    }
    for (const call of [calls[kind], () => reserve(request(sale, 'ann'))])
      await expect(call()).rejects.toThrow('WRONGTYPE')
    expect(await everything(sale)).toEqual(before)
  },
)

describe('releasing', () => {
  test('gives a unit back once, and the buyer the right to buy again', async () => {
    const sale = await loadedSale()
    await reserve(request(sale, 'ann'))
    expect(await world.stock.release(ref(sale, 'ann'), refused)).toBe('RELEASED')
    expect(await world.stock.release(ref(sale, 'ann'), refused)).toBe('NOTHING')
    expect(await left(sale)).toBe(3)
    expect(await world.stock.countUndecided(sale.saleId)).toBe(0)
    expect(await reserve({ ...request(sale, 'ann'), reservationId: `${sale.saleId}.ann2` })).toMatchObject({
      status: 'RESERVED',
    })
  })

  test('ends a reservation as refunded wherever it stood, and as cancelled only while it is unpaid', async () => {
    const sale = await loadedSale()
    const settle = (status: 'ORDERED' | 'PAID', buyer: string) =>
      world.stock.settle(sale.saleId, status, [{ ...ref(sale, buyer), orderId: `order of ${buyer}` }])
    const release = (buyer: string, status: 'REFUNDED' | 'CANCELLED') =>
      world.stock.release(ref(sale, buyer), { status, reason: 'VETOED', giveBack: true })
    for (const buyer of ['ann', 'bob', 'carl']) await reserve(request(sale, buyer))
    await settle('ORDERED', 'bob')
    await settle('PAID', 'carl')
    expect(await release('carl', 'CANCELLED')).toBe('NOTHING')
    for (const buyer of ['ann', 'bob', 'carl'])
      expect(
        [await release(buyer, 'REFUNDED'), await release(buyer, 'REFUNDED'), await release(buyer, 'CANCELLED')],
        buyer,
      ).toEqual(['RELEASED', 'NOTHING', 'NOTHING'])
    expect([await left(sale), await world.stock.countUndecided(sale.saleId)]).toEqual([3, 0])
    expect(await world.stock.readReservation(ref(sale, 'carl'))).toMatchObject({
      status: 'REFUNDED',
      reason: 'VETOED',
      orderId: 'order of carl',
    })
  })

  test('does not give back what a resender has taken over: its publish may have arrived', async () => {
    const sale = await loadedSale()
    const reserved = await reserve(request(sale, 'ann'))
    const entry = reserved.status === 'RESERVED' ? reserved.pendingEntry : ''
    const [claimed] = await world.stock.claimPending(sale.saleId, 0, 10)
    expect(claimed).toMatchObject({ reservationId: `${sale.saleId}.ann`, buyerId: 'ann', quantity: 1, epoch: 1 })
    expect(await world.stock.release(ref(sale, 'ann'), refused, entry)).toBe('CLAIMED')
    expect(await left(sale)).toBe(2)
    expect(await world.stock.countPending(sale.saleId)).toBe(1)
  })

  test('the wishes and claims of a buyer are published again with the reservation; a plain purchase has none', async () => {
    const sale = await loadedSale()
    await reserve({ ...request(sale, 'ann'), wishes: { couponCode: 'TEN-OFF', points: 5 }, claims: { tier: 'vip' } })
    await reserve(request(sale, 'bob'))
    const [ann, bob] = await world.stock.claimPending(sale.saleId, 0, 10)
    expect(ann).toMatchObject({ buyerId: 'ann', couponCode: 'TEN-OFF', points: 5, claims: { tier: 'vip' } })
    expect(Object.keys(bob ?? {}).filter((name) => ['couponCode', 'points', 'claims'].includes(name))).toEqual([])
  })

  test('an unclaimed entry is ended together with its reservation', async () => {
    const sale = await loadedSale()
    const reserved = await reserve(request(sale, 'ann'))
    expect(
      await world.stock.release(ref(sale, 'ann'), refused, reserved.status === 'RESERVED' ? reserved.pendingEntry : ''),
    ).toBe('RELEASED')
    expect(await world.stock.countPending(sale.saleId)).toBe(0)
  })
})

test('a resender takes over only what is old enough, and no other sees it until it is old again', async () => {
  const sale = await loadedSale()
  await reserve(request(sale, 'ann'))
  expect(await world.stock.claimPending(sale.saleId, 60_000, 10)).toHaveLength(0)
  expect(await world.stock.claimPending(sale.saleId, 0, 10)).toHaveLength(1)
  expect(await world.stock.claimPending(sale.saleId, 60_000, 10)).toHaveLength(0)
})

test('the age of what waits is that of the reservation, however often it was sent again', async () => {
  const sale = await loadedSale()
  const { stock, keyPrefix } = world
  expect(await stock.readWaiting(sale.saleId)).toEqual({
    pending: 0,
    undecided: 0,
    oldestPendingMs: Infinity,
    oldestUndecidedMs: Infinity,
  })
  const first = request(sale, 'first')
  await reserve(first)
  const [, setAside = ''] = await world.redis.zrange(`${keyPrefix}{${sale.saleId}}:undecided`, 0, '0', 'WITHSCORES')
  const setAsideMs = Number(setAside)
  await reserve(request(sale, 'second'))
  await eventually(
    'the entries to be taken over',
    () => stock.claimPending(sale.saleId, 1, 10),
    (claimed) => claimed.length === 2,
  )
  expect(await stock.readWaiting(sale.saleId)).toEqual({
    pending: 2,
    undecided: 2,
    oldestPendingMs: setAsideMs,
    oldestUndecidedMs: setAsideMs,
  })
  await stock.settle(sale.saleId, 'ORDERED', [{ ...first, orderId: 'an-order' }])
  const waiting = await stock.readWaiting(sale.saleId)
  expect(waiting.oldestPendingMs, 'an unconfirmed message that has arrived').toBeGreaterThan(setAsideMs)
})

test('after the clock of Redis ran ahead for a moment, entries from that moment are taken over, and others by their age', async () => {
  const sale = await loadedSale()
  const pending = world.stock.keys.pending(sale.saleId)
  const [nowMs, hourMs] = [await world.stock.clock.read(), 3_600_000]
  for (const buyer of ['moment', 'old', 'young']) await reserve(request(sale, buyer))
  await world.redis.zadd(pending, nowMs + hourMs, memberOf(ref(sale, 'moment')))
  await world.redis.zadd(pending, nowMs - hourMs, memberOf(ref(sale, 'old')))
  const claimed = async () =>
    (await world.stock.claimPending(sale.saleId, hourMs / 2, 10)).map(({ reservationId }) => reservationId)
  expect((await claimed()).sort()).toEqual(['moment', 'old'].map((buyer) => ref(sale, buyer).reservationId))
  expect(await claimed()).toEqual([])
  expect(await world.stock.countPending(sale.saleId)).toBe(3)
})

test('a settled reservation only ever moves on', async () => {
  const sale = await loadedSale()
  await reserve(request(sale, 'ann'))
  const ordered = [{ ...ref(sale, 'ann'), orderId: 'order-1' }]
  await world.stock.settle(sale.saleId, 'PAID', ordered)
  await world.stock.settle(sale.saleId, 'ORDERED', ordered)
  expect(await world.stock.readReservation(ref(sale, 'ann'))).toMatchObject({ status: 'PAID', orderId: 'order-1' })
  expect(await world.stock.release(ref(sale, 'ann'), { status: 'CANCELLED', reason: 'UNPAID', giveBack: true })).toBe(
    'NOTHING',
  )
  expect(await left(sale)).toBe(2)
})

test('an order whose id follows from its reservation is noted by its status, any other with its id', async () => {
  const sale = await loadedSale()
  const ids = { ann: orderIdOf(ref(sale, 'ann').reservationId), bob: 'another' }
  for (const buyer of ['ann', 'bob'] as const) await reserve(request(sale, buyer))
  const orders = (['ann', 'bob'] as const).map((buyer) => ({ ...ref(sale, buyer), orderId: ids[buyer] }))
  const notes = () => world.redis.hmget(world.stock.keys.orders(sale.saleId), ...orders.map(memberOf))
  const read = () => world.stock.readReservations(sale.saleId, orders)
  for (const status of ['ORDERED', 'PAID'] as const) {
    await world.stock.settle(sale.saleId, status, orders)
    expect(await notes()).toEqual([status, `${status}\tanother`])
    expect(await read()).toMatchObject([
      { status, orderId: ids.ann },
      { status, orderId: 'another' },
    ])
    expect(await reserve(request(sale, 'ann'))).toMatchObject({ reservation: { status, orderId: ids.ann } })
  }
  for (const order of orders)
    expect(await world.stock.release(order, { status: 'REFUNDED', reason: 'VETOED', giveBack: true })).toBe('RELEASED')
  expect(await read()).toMatchObject([
    { status: 'REFUNDED', orderId: ids.ann },
    { status: 'REFUNDED', orderId: 'another' },
  ])
})

test('many reservations are settled together, each with its own order, also beside ended ones', async () => {
  const sale = await loadedSale({ total: 100, left: 100 })
  const buyers = Array.from({ length: 100 }, (_, i) => `buyer-${i}`)
  await world.stock.reserve(
    sale,
    buyers.map((buyer) => request(sale, buyer)),
    generous,
  )
  await world.stock.release(ref(sale, 'buyer-7'), { status: 'CANCELLED', reason: 'BUYER', giveBack: true })
  const orderOf = (buyer: string) => orderIdOf(ref(sale, buyer).reservationId)
  const settle = () =>
    world.stock.settle(
      sale.saleId,
      'ORDERED',
      ['stranger', ...buyers].map((buyer) => ({ ...ref(sale, buyer), orderId: orderOf(buyer) })),
    )
  await settle()
  await settle()
  const records = await world.stock.readReservations(
    sale.saleId,
    buyers.map((buyer) => ref(sale, buyer)),
  )
  expect(records.map((record) => record?.orderId)).toEqual(buyers.map(orderOf))
  expect(records.filter((record) => record?.status === 'ORDERED')).toHaveLength(99)
  expect(await world.stock.countUndecided(sale.saleId)).toBe(0)
  expect(await world.stock.readReservation(ref(sale, 'stranger'))).toBeUndefined()
})

const scripts = readdirSync(import.meta.dirname).filter(
  (name) => name.endsWith('.lua') && !['layout.lua', 'require-right.lua', 'book.lua'].includes(name),
)
test.each(scripts)(
  '%s reads exactly the keys and arguments that its header lists, the fixed and the repeated ones',
  (file) => {
    const lua = readFileSync(new URL(file, import.meta.url), 'utf8')
    const code = lua.slice(lua.search(/^(?!--|#!)/m)).replaceAll(/,\n +/g, ', ') // A long list is wrapped.
    const { keys, args, itemArgs } = layoutOf(lua)
    const readers = [
      ['fixed_keys()', keys],
      ['fixed_args()', args],
      ['lists_of_args()', itemArgs],
    ] as const
    const expected = readers.filter(([, names]) => names.length > 0)
    expect(expected.filter(([reader, names]) => !code.includes(`local ${names.join(', ')} = ${reader}\n`))).toEqual([])
    expect(keys).not.toEqual([])
    expect(code).not.toMatch(/(KEYS|ARGV)\[/)
  },
)

test('a call that does not fit the header of its script is refused before it reaches Redis', async () => {
  const { settle } = scriptsOn(world.redis)
  const keys = [world.stock.keys.sale('x'), world.stock.keys.orders('x'), world.stock.keys.undecided('x')]
  const args = ['ORDERED', world.stock.keys.changes(), 'SETTLED x ann']
  const item = { args: ['ann ann'] }
  expect(await settle({ keys, args, items: [item] })).toBe(0)
  await expect(settle({ keys: [], args, items: [item] })).rejects.toThrow(
    'settle.lua: expected 3 (sale, orders, undecided), got 0',
  )
  await expect(settle({ keys, args: ['ORDERED'], items: [item] })).rejects.toThrow(
    'expected 3 (note, channel, change), got 1',
  )
  await expect(settle({ keys, args, items: [{ args: [] }] })).rejects.toThrow('expected 1 (member), got 0')
})
