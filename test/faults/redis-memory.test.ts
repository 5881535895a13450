import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { atRest, buy, buyUntilAvailable, PATIENT, people, shown } from './support/purchases.ts'
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
  saleId = await eventually(
    'a sale to be opened',
    () => shop.openSale(STOCK).catch(() => ''),
    (id) => id !== '',
  )
})

/** As orders: by then PostgreSQL knows of them, whatever Redis may forget. */
async function sellTo(buyers: string[]): Promise<string[]> {
  const ids = await Promise.all(buyers.map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await Promise.all(ids.map((id, i) => shown(shop, id, buyers[i] ?? '', ['ORDERED'])))
  return ids
}

/** Whoever had a unit keeps it, as many more are sold as there are left, and then it is sold out. */
async function expectTheRestIsSold(buyers: string[], ids: string[]): Promise<void> {
  expect(
    await Promise.all(buyers.map((buyerId, i) => buyUntilAvailable(shop, saleId, buyerId, i % 2 === 0 ? 0 : 1))),
  ).toEqual(ids)
  const others = people('other', STOCK - buyers.length)
  await Promise.all(others.map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  expect((await buy(shop, saleId, 'too-late')).body.code).toBe('SOLD_OUT')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: STOCK, redisLeft: 0 }] })
}

test('restored from an older copy, Redis offers no unit that was sold since, and every buyer keeps theirs', async () => {
  const before = await sellTo(people('before', 5))
  await memory.copy()
  const after = await sellTo(people('after', 5))
  await memory.restoreCopy()
  await expectTheRestIsSold([...people('before', 5), ...people('after', 5)], [...before, ...after])
})

test('emptied while it runs, Redis gets back what PostgreSQL knows, and sells the rest', async () => {
  const sold = await sellTo(people('early', 10))
  await shop.ledgers.redis.flushall()
  await expectTheRestIsSold(people('early', 10), sold)
})

test('replaced by an empty one, Redis gets back what PostgreSQL knows, and sells the rest', async () => {
  const sold = await sellTo(people('early', 10))
  await memory.replaceByEmpty()
  await expectTheRestIsSold(people('early', 10), sold)
})

test('accepted and not ordered yet when Redis forgets: each becomes one order, and no unit is sold twice for it', async () => {
  // Their messages wait in the broker, which PostgreSQL knows nothing of.
  for (const name of ['order-service-1', 'order-service-2'] as const) shop.instance(name).pause()
  const waiting = await Promise.all(people('waiting', 10).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await eventually(
    'the broker to have them all',
    () => shop.ledgers.stock.countPending(saleId),
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
