import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { atRest, buy, buyUntilAvailable, openSaleWhenPossible, PATIENT, people, shown } from './support/purchases.ts'
import { RedisMemory } from './support/redis-memory.ts'
import { type Shop, startShop } from './support/shop.ts'

const STOCK = 20
let shop: Shop
let memory: RedisMemory
let saleId: string
beforeAll(async () => {
  shop = await startShop(PATIENT)
})
afterAll(() => shop.close())
beforeEach(async () => {
  await shop.whole()
  memory = new RedisMemory(shop.servers)
  saleId = await openSaleWhenPossible(shop, STOCK)
})

/** Waits for orders: they are in PostgreSQL and survive a data loss of Redis. */
async function sellTo(buyers: string[]): Promise<string[]> {
  const ids = await Promise.all(buyers.map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await Promise.all(ids.map((id, i) => shown(shop, id, buyers[i] ?? '', ['ORDERED'])))
  return ids
}

/** Buyers keep their units, exactly the units that are left are sold, and then the sale is sold out. */
async function expectTheRestIsSold(buyers: string[], ids: string[]): Promise<void> {
  expect(
    await Promise.all(buyers.map((buyerId, i) => buyUntilAvailable(shop, saleId, buyerId, i % 2 === 0 ? 0 : 1))),
  ).toEqual(ids)
  const others = people('other', STOCK - buyers.length)
  await Promise.all(others.map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  expect((await buy(shop, saleId, 'too-late')).body.code).toBe('SOLD_OUT')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: STOCK, redisLeft: 0 }] })
}

test('restored from an older copy, Redis does not sell units again, and buyers keep theirs', async () => {
  const before = await sellTo(people('before', 5))
  await memory.copy()
  const after = await sellTo(people('after', 5))
  await memory.restoreCopy()
  await expectTheRestIsSold([...people('before', 5), ...people('after', 5)], [...before, ...after])
})

test('emptied while it runs, Redis is rebuilt from PostgreSQL and sells the rest', async () => {
  const sold = await sellTo(people('early', 10))
  await shop.ledgers.redis.flushall()
  await expectTheRestIsSold(people('early', 10), sold)
})

test('replaced by an empty one, Redis is rebuilt from PostgreSQL and sells the rest', async () => {
  const sold = await sellTo(people('early', 10))
  await memory.replaceByEmpty()
  await expectTheRestIsSold(people('early', 10), sold)
})

test('reservations that Redis loses before they are ordered become one order each', async () => {
  // Their messages wait in the broker and are unknown to PostgreSQL.
  for (const name of ['order-service-1', 'order-service-2'] as const) shop.instance(name).pause()
  const waiting = await Promise.all(people('waiting', 10).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await eventually(
    'the broker to have them all',
    () => shop.ledgers.countPending(saleId),
    (count) => count === 0,
  )
  await shop.ledgers.redis.flushall()
  for (const name of ['order-service-1', 'order-service-2'] as const) shop.instance(name).resume()
  await eventually(
    'their orders',
    () => shop.ledgers.database.order.findMany({ where: { reservationId: { in: waiting } } }),
    (orders) => orders.length === 10,
  )
  await expectTheRestIsSold(people('waiting', 10), waiting)
})
