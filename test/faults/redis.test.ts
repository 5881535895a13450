import { reservationsIn } from '../support/find-reservation.ts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import {
  atRest,
  buy,
  buyUntilAvailable,
  COME_BACK,
  openSaleWhenPossible,
  PATIENT,
  people,
  shown,
} from './support/purchases.ts'
import { type Shop, startShop } from './support/shop.ts'

const STOCK = 20
let shop: Shop
let saleId: string
beforeAll(async () => {
  shop = await startShop(PATIENT)
})
afterAll(() => shop.close())
beforeEach(async () => {
  await shop.whole()
  saleId = await openSaleWhenPossible(shop, STOCK)
})

/** How long a gateway waits for Redis; a script that runs later takes nothing. */
const PATIENCE_MS = 1_000
const inHand = async (buyerId: string) => {
  const all = await reservationsIn(shop.ledgers, saleId)
  return all.find((reservation) => reservation.buyerId === buyerId)?.reservationId
}

test('killed and restarted: buyers get 503, keep their units, and nothing is sold twice', async () => {
  const early = await Promise.all(people('early', 10).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await shop.servers.redis.kill()
  for (const gateway of [0, 1] as const) {
    const refused = await buy(shop, saleId, 'hasty', gateway)
    expect(refused).toMatchObject(COME_BACK)
    expect(refused.headers.get('retry-after')).toBe('2')
  }
  await shop.servers.redis.start()

  const again = await Promise.all(people('early', 10).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId, 1)))
  expect(again).toEqual(early)
  await Promise.all(people('late', 10).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  expect((await buy(shop, saleId, 'too-late')).body.code).toBe('SOLD_OUT')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: STOCK, redisLeft: 0 }] })
})

test('SCRIPT FLUSH while it runs: no buyer notices', async () => {
  for (const buyerId of people('steady', 5)) {
    await shop.ledgers.redis.script('FLUSH')
    expect((await buy(shop, saleId, buyerId)).status).toBe(202)
  }
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 5, redisLeft: STOCK - 5 }] })
})

test('paused: buyers get 503 in time, and queued commands take no unit when it resumes', async () => {
  // At both, so that each knows the sale and asks the script at once.
  for (const gateway of [0, 1] as const) await buyUntilAvailable(shop, saleId, 'before', gateway)
  shop.servers.redis.pause()
  // As many as there are units: carried out late, they would take them all.
  const answers = await Promise.all(
    people('waiting', STOCK).map((buyerId, i) => buy(shop, saleId, buyerId, i % 2 === 0 ? 0 : 1)),
  )
  expect(answers).toMatchObject(answers.map(() => COME_BACK))
  // A connection given up ends a wait early, and Redis' clock is known to within a round trip only.
  const answeredAtMs = Date.now()
  await eventually(
    'no command to wait any more',
    () => Date.now(),
    (nowMs) => nowMs > answeredAtMs + 2 * PATIENCE_MS,
  )
  shop.servers.redis.resume()

  await buyUntilAvailable(shop, saleId, 'after')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 2, redisLeft: STOCK - 2 }] })
})

test('slow for one gateway: its buyers retry at the other one, and get no second unit', async () => {
  shop.links.named('gateway-1 to redis').delay(700)
  // The round trip exceeds the command timeout; the script may still have reserved the unit.
  expect(await buy(shop, saleId, 'slow', 0)).toMatchObject(COME_BACK)
  const reservationId = await buyUntilAvailable(shop, saleId, 'slow', 1)
  shop.links.named('gateway-1 to redis').restore()
  expect(await buyUntilAvailable(shop, saleId, 'slow', 0)).toBe(reservationId)
  await shown(shop, reservationId, 'slow', ['ORDERED'])
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 1, redisLeft: STOCK - 1 }] })
})

test('connection cut while the script runs: a retry finds the first reservation', async () => {
  const link = shop.links.named('gateway-1 to redis')
  const lostBefore = link.lost()
  link.loseAnswers('RESERVED')
  await eventually(
    'the script to run and its answer to be lost',
    async () => {
      expect(await buy(shop, saleId, 'cut-off')).toMatchObject(COME_BACK)
      return link.lost()
    },
    (lost) => lost > lostBefore,
  )
  link.restore()

  const taken = await inHand('cut-off')
  expect(taken).toMatch(/^sale-/)
  expect(await buyUntilAvailable(shop, saleId, 'cut-off')).toBe(taken)
  // It was not published: the resender finds it.
  await shown(shop, String(taken), 'cut-off', ['ORDERED'])
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 1, redisLeft: STOCK - 1 }] })
})

test('out of memory: Redis refuses, keeps its data, and leaves no half state', async () => {
  const early = await Promise.all(people('early', 5).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await shop.ledgers.redis.config('SET', 'maxmemory', '1')
  const refused = await buy(shop, saleId, 'unlucky')
  expect(refused).toMatchObject(COME_BACK)
  expect(refused.headers.get('retry-after')).toBe('2')
  expect(await inHand('unlucky')).toBeUndefined()
  // noeviction: no key is evicted to make room.
  expect(await Promise.all(people('early', 5).map(inHand))).toEqual(early)
  await shop.ledgers.redis.config('SET', 'maxmemory', '0')

  await buyUntilAvailable(shop, saleId, 'unlucky')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 6, redisLeft: STOCK - 6 }] })
})

test('emptied while it runs, Redis knows the several purchases of a buyer again by their keys, and holds their limit', async () => {
  const saleOfThree = await shop.openSale(STOCK, 3)
  const purchases = [
    { key: 'first', quantity: 1 },
    { key: 'second', quantity: 2 },
  ]
  const repeat = () =>
    Promise.all(purchases.map((purchase, i) => buyUntilAvailable(shop, saleOfThree, 'collector', i ? 1 : 0, purchase)))
  const ids = await repeat()
  for (const id of ids) await shown(shop, id, 'collector', ['ORDERED'])
  await shop.ledgers.redis.flushall()
  expect(await repeat()).toEqual(ids)
  expect((await buy(shop, saleOfThree, 'collector', 0, { key: 'third', quantity: 1 })).body.code).toBe('LIMIT_REACHED')
  expect(await buy(shop, saleOfThree, 'collector', 1, { key: 'first', quantity: 2 })).toMatchObject({
    status: 422,
    body: { code: 'KEY_REUSED', reservation: { id: ids[0], quantity: 1 } },
  })
  expect(await atRest(shop, saleOfThree)).toMatchObject({ sales: [{ sold: 3, redisLeft: STOCK - 3 }] })
})
