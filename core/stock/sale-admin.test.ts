import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import type { ClosedSale, DecidedReservation } from './sale-state.ts'
import type { SaleFigures } from './sale-figures.ts'
import { SaleAdmin } from './sale-admin.ts'

let world: World
let saleAdmin: SaleAdmin
beforeAll(async () => {
  world = await createWorld()
  saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
})
afterAll(async () => {
  await world.close()
})

let made = 0
function figures(changes: Partial<SaleFigures> = {}): SaleFigures {
  return {
    saleId: `door-${made++}`,
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
}
async function openSale(changes: Partial<SaleFigures> = {}, blacklist: string[] = []): Promise<SaleFigures> {
  const sale = figures(changes)
  await loadSale(world, sale, blacklist)
  return sale
}
const closed = ({ left: _, ...sale }: SaleFigures): ClosedSale => sale
const left = async ({ saleId }: SaleFigures) => (await world.stock.readSale(saleId))?.left
const ref = ({ saleId }: SaleFigures, buyerId: string) => ({
  saleId,
  reservationId: `${saleId}.${buyerId}`,
  buyerId,
  quantity: 1,
})
const reserve = async (sale: SaleFigures, buyerId: string, epoch = sale.epoch) =>
  (await reserveOne(world.stock, { ...sale, epoch }, { reservationId: `${sale.saleId}.${buyerId}`, buyerId })).status
const decided = (sale: SaleFigures, buyerId: string, status: DecidedReservation['status']): DecidedReservation => ({
  ...ref(sale, buyerId),
  status,
  reason: status === 'REJECTED' ? 'EXPIRED' : null,
  orderId: status === 'REJECTED' ? null : `order of ${buyerId}`,
  reservedAtMs: 1,
  key: null,
  couponCode: null,
  points: null,
  lapsedAtMs: null,
})
const status = async (sale: SaleFigures, buyerId: string) =>
  (await world.stock.readReservation(ref(sale, buyerId)))?.status

test('a sale that is open under an epoch is not brought in again under the same or an older one', async () => {
  const sale = await openSale({ epoch: 2 })
  await reserve(sale, 'ann')
  for (const epoch of [1, 2]) expect(await saleAdmin.close({ ...closed(sale), epoch })).toBe('STALE')
  expect(await saleAdmin.open(sale.saleId, 2, 3)).toBe('STALE')
  expect(await left(sale)).toBe(2)
})

test('under a newer epoch it is closed: no purchase succeeds, nor one by the old epoch once it is open', async () => {
  const sale = await openSale()
  expect(await saleAdmin.close({ ...closed(sale), epoch: 2 })).toBe('CLOSED')
  expect(await saleAdmin.read(sale.saleId)).toEqual({ state: 'CLOSED', epoch: 2, refilled: 0 })
  expect([await reserve(sale, 'ann', 1), await reserve(sale, 'ann', 2)]).toEqual(['UNAVAILABLE', 'UNAVAILABLE'])
  expect(await saleAdmin.open(sale.saleId, 1, 3)).toBe('STALE')
  expect(await saleAdmin.open(sale.saleId, 2, 1)).toBe('OPEN')
  expect([await reserve(sale, 'ann', 1), await reserve(sale, 'ann', 2), await reserve(sale, 'bob', 2)]).toEqual([
    'UNAVAILABLE',
    'RESERVED',
    'SOLD_OUT',
  ])
})

test('what another run of the server wrote is not believed, although its epoch is right', async () => {
  const sale = await openSale()
  await world.redis.hset(saleAdmin.keys.sale(sale.saleId), 'run_id', 'f'.repeat(40))
  expect(await reserve(sale, 'ann')).toBe('UNAVAILABLE')
  expect(await saleAdmin.read(sale.saleId)).toMatchObject({ state: 'LOST', epoch: 1 })
  expect(await left(sale)).toBe(3)
})

test('while the sale is closed no survey says that the sale is sold out', async () => {
  const sale = await openSale({ left: 0 })
  expect(await world.stock.survey(sale.saleId)).toMatchObject({ left: 0 })
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  expect(await world.stock.survey(sale.saleId)).toBeUndefined()
})

test('filling in makes holders of those with a live order, and frees those whose reservation has ended', async () => {
  const sale = await openSale({ total: 4, left: 4 })
  for (const buyer of ['ann', 'bob', 'carl', 'emil']) await reserve(sale, buyer)
  await world.stock.settle(sale.saleId, 'PAID', [{ ...ref(sale, 'emil'), orderId: 'order of emil' }])
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  const known = [
    decided(sale, 'ann', 'ORDERED'),
    decided(sale, 'bob', 'CANCELLED'),
    decided(sale, 'carl', 'REJECTED'),
    decided(sale, 'dora', 'PAID'),
    decided(sale, 'emil', 'REFUNDED'),
  ]
  expect(await saleAdmin.refill({ ...closed(sale), epoch: 2 }, known)).toBe('REFILLED')
  expect(await saleAdmin.read(sale.saleId)).toMatchObject({ refilled: 5 })
  await saleAdmin.open(sale.saleId, 2, 3)
  expect(await Promise.all(['ann', 'bob', 'carl', 'dora', 'emil'].map((buyer) => status(sale, buyer)))).toEqual([
    'ORDERED',
    'CANCELLED',
    'REJECTED',
    'PAID',
    'REFUNDED',
  ])
  expect(await world.stock.readReservation(ref(sale, 'carl'))).toMatchObject({ reason: 'EXPIRED' })
  expect(await world.stock.countUndecided(sale.saleId)).toBe(0)
  const again = async (buyerId: string) =>
    (await reserveOne(world.stock, { ...sale, epoch: 2 }, { reservationId: `${sale.saleId}.${buyerId}-2`, buyerId }))
      .status
  expect([
    await again('ann'),
    await again('bob'),
    await again('carl'),
    await again('dora'),
    await again('emil'),
  ]).toEqual(['DUPLICATE', 'RESERVED', 'RESERVED', 'DUPLICATE', 'RESERVED'])
})

test('filling in keeps the other reservations of a buyer, also those that another call has filled in', async () => {
  const sale = await openSale({ perBuyerLimit: 9, total: 9, left: 9 })
  await reserve(sale, 'ann')
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  const other = (id: string) => ({ ...decided(sale, 'ann', 'ORDERED'), reservationId: `${sale.saleId}.${id}`, key: id })
  for (const id of ['first', 'second']) await saleAdmin.refill({ ...closed(sale), epoch: 2 }, [other(id)])
  const held = await world.stock.readReservations(
    sale.saleId,
    ['ann', 'first', 'second'].map((id) => ({ reservationId: `${sale.saleId}.${id}`, buyerId: 'ann' })),
  )
  expect(held.map((reservation) => [reservation?.status, reservation?.key])).toEqual([
    ['RESERVED', undefined],
    ['ORDERED', 'first'],
    ['ORDERED', 'second'],
  ])
})

test("filling in keeps the newest of a buyer's ended orders, by their time and not by their ids", async () => {
  const sale = await openSale()
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  // The newest comes first, as the database lists them.
  const orders = Array.from({ length: 10 }, (_, i) => ({
    ...decided(sale, 'ann', 'CANCELLED'),
    reservationId: `${sale.saleId}.${i}`,
    reservedAtMs: 1_000 - i,
  }))
  await saleAdmin.refill({ ...closed(sale), epoch: 2 }, orders)
  const kept = await world.stock.readOfBuyer(sale.saleId, 'ann')
  expect(kept.map(({ reservationId }) => reservationId)).toEqual(
    orders
      .slice(0, 8)
      .reverse()
      .map(({ reservationId }) => reservationId),
  )
})

test('filling in does not take back what was told meanwhile, and stops when the sale was closed anew', async () => {
  const sale = await openSale()
  await reserve(sale, 'ann')
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  await world.stock.settle(sale.saleId, 'PAID', [{ ...ref(sale, 'ann'), orderId: 'order of ann' }])
  await saleAdmin.refill({ ...closed(sale), epoch: 2 }, [decided(sale, 'bob', 'CANCELLED')])
  // Another process read both before.
  const earlier = ['ann', 'bob'].map((buyer) => decided(sale, buyer, 'ORDERED'))
  await saleAdmin.refill({ ...closed(sale), epoch: 2 }, earlier)
  expect(await status(sale, 'bob')).toBe('CANCELLED')
  expect(await status(sale, 'ann')).toBe('PAID')
  await saleAdmin.close({ ...closed(sale), epoch: 3 })
  expect(await saleAdmin.refill({ ...closed(sale), epoch: 2 }, [decided(sale, 'carl', 'ORDERED')])).toBe('STALE')
  expect(await status(sale, 'carl')).toBeUndefined()
})

test('a rejected unit of an earlier epoch does not go back: it counts as free since the sale was rebuilt', async () => {
  const sale = await openSale()
  await reserve(sale, 'ann')
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  await saleAdmin.open(sale.saleId, 2, 3)
  expect(await world.stock.release(ref(sale, 'ann'), { status: 'REJECTED', reason: 'EXPIRED', giveBack: true })).toBe(
    'RELEASED',
  )
  expect(await left(sale)).toBe(3)
  expect(await reserve(sale, 'ann', 2)).toBe('RESERVED')
})

test.each(['CANCELLED', 'REFUNDED'] as const)(
  'the unit of a %s order waits while the sale is closed, and goes back once it is open',
  async (status) => {
    const sale = await openSale()
    await reserve(sale, 'ann')
    await world.stock.settle(sale.saleId, 'ORDERED', [{ ...ref(sale, 'ann'), orderId: 'order of ann' }])
    const end = () => world.stock.release(ref(sale, 'ann'), { status, reason: 'BUYER', giveBack: true })
    await saleAdmin.close({ ...closed(sale), epoch: 2 })
    expect(await end()).toBe('CLOSED')
    await saleAdmin.open(sale.saleId, 2, 2)
    expect([await end(), await end()]).toEqual(['RELEASED', 'NOTHING'])
    expect(await left(sale)).toBe(3)
    await world.redis.del(saleAdmin.keys.sale(sale.saleId))
    expect(await end()).toBe('CLOSED')
  },
)

test('a rejection is told also of a reservation that Redis has forgotten', async () => {
  const sale = await openSale()
  expect(await world.stock.release(ref(sale, 'ann'), { status: 'REJECTED', reason: 'EXPIRED', giveBack: true })).toBe(
    'NOTHING',
  )
  expect(await world.stock.readReservation(ref(sale, 'ann'))).toMatchObject({
    status: 'REJECTED',
    reason: 'EXPIRED',
    buyerId: 'ann',
    quantity: 1,
  })
  expect(await left(sale)).toBe(3)
  expect(await world.redis.pttl(saleAdmin.keys.book(sale.saleId))).toBeGreaterThan(0)
})

test('units are put back and taken away while the sale is open under that epoch, and never below none', async () => {
  const sale = await openSale()
  expect([
    await saleAdmin.adjust(sale.saleId, 1, 2),
    await saleAdmin.adjust(sale.saleId, 1, -9),
    await saleAdmin.adjust(sale.saleId, 2, 1),
  ]).toEqual([2, -5, 0])
  expect(await left(sale)).toBe(0)
  expect(await saleAdmin.readTally(sale.saleId, 1)).toMatchObject({
    left: 0,
    undecidedMax: 0,
    blacklisted: [0],
    figures: { total: 3, perBuyerLimit: 2 },
  })
  await saleAdmin.close({ ...closed(sale), epoch: 2 })
  expect(await saleAdmin.adjust(sale.saleId, 2, 1)).toBe(0)
  expect(await saleAdmin.readTally(sale.saleId, 2)).toBeUndefined()
})

test('a sale that is moved keeps its data until a day after its new end', async () => {
  const sale = await openSale({}, ['banned'])
  const closesAtMs = Date.now() + 90 * 86_400_000
  await saleAdmin.amend({ ...closed(sale), closesAtMs })
  expect(await world.stock.readSale(sale.saleId)).toMatchObject({ closesAtMs, left: 3 })
  for (const key of [world.stock.keys.sale(sale.saleId), world.stock.keys.blacklist(sale.saleId)]) {
    expect(await world.redis.pexpiretime(key)).toBe(closesAtMs + 86_400_000)
  }
  await saleAdmin.amend({ ...closed(sale), closesAtMs: Date.now() })
  expect(await world.redis.pexpiretime(world.stock.keys.sale(sale.saleId))).toBe(closesAtMs + 86_400_000)
  expect(await reserve(sale, 'ann')).toBe('ENDED')
})

test('figures of another epoch are not taken: the rebuild has newer ones', async () => {
  const sale = await openSale({ epoch: 2 })
  await saleAdmin.amend({ ...closed(sale), epoch: 1, title: 'Old', total: 9 })
  expect(await world.stock.readSale(sale.saleId)).toMatchObject({ title: 'A sale', total: 3, left: 3 })
})

test('a blacklist of any length can be filled in', async () => {
  const sale = await openSale(
    {},
    Array.from({ length: 150_000 }, (_, i) => `banned-${i}`),
  )
  expect([await reserve(sale, 'banned-149999'), await reserve(sale, 'ann')]).toEqual(['BLACKLISTED', 'RESERVED'])
})

test('units are withdrawn from those left and from the total, all or none', async () => {
  const sale = await openSale()
  await reserve(sale, 'ann')
  const { saleId, epoch } = sale
  expect(await saleAdmin.withdraw(saleId, epoch, 3)).toBe(false)
  expect(await saleAdmin.withdraw(saleId, epoch + 1, 1)).toBe(false)
  expect(await saleAdmin.readUnits(saleId)).toMatchObject({ total: 3, left: 2 })
  expect(await saleAdmin.withdraw(saleId, epoch, 2)).toBe(true)
  expect(await saleAdmin.readUnits(saleId)).toMatchObject({ total: 1, left: 0 })
  // The bits of holders are laid out for the first total.
  expect(await world.stock.readSale(saleId)).toMatchObject({ holderUnits: 3 })
})
