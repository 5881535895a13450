import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { stretched } from '../support/patience.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import {
  ask,
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

const STOCK = 40
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

const orders = () => shop.ledgers.database.order.count({ where: { saleId } })

/** A buyer with an unpaid order. */
async function ordered(buyerId: string): Promise<string> {
  const { orderId } = await shown(shop, await buyUntilAvailable(shop, saleId, buyerId), buyerId, ['ORDERED'])
  return String(orderId)
}

test('killed and restarted: buying goes on, orders wait, and every reservation becomes one order', async () => {
  const orderId = await ordered('early')
  await shop.servers.postgres.kill()
  const accepted = await Promise.all(people('meanwhile', 20).map((buyerId) => buy(shop, saleId, buyerId)))
  expect(accepted.map(({ status }) => status)).toEqual(accepted.map(() => 202))
  for (const [method, path] of [
    ['GET', ''],
    ['POST', '/payments'],
    ['POST', '/cancellation'],
  ] as const) {
    const answer = await ask(shop, method, `/orders/${orderId}${path}`, 'early')
    expect(answer, path).toMatchObject(COME_BACK)
    expect(answer.headers.get('retry-after')).toBe('2')
  }
  await shop.servers.postgres.start()

  await Promise.all(accepted.map(({ body }, i) => shown(shop, String(body.id), `meanwhile-${i}`, ['ORDERED'])))
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 21, redisLeft: STOCK - 21 }] })
})

test('backends terminated repeatedly under load: every reservation becomes one order', async () => {
  const { database } = shop.ledgers
  const terminate = () =>
    database.$executeRaw`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`
  const ids: string[] = []
  for (const [i, buyerId] of people('under-load', 30).entries()) {
    ids.push(await buyUntilAvailable(shop, saleId, buyerId, i % 2 === 0 ? 0 : 1))
    await terminate()
  }
  await Promise.all(ids.map((id, i) => shown(shop, id, `under-load-${i}`, ['ORDERED'])))
  expect(await atRest(shop, saleId)).toMatchObject({
    sales: [{ sold: 30, redisLeft: STOCK - 30, orders: { PENDING_PAYMENT: 30 } }],
  })
})

test('unreachable for one of two order services: the other one places every order', async () => {
  const link = shop.links.named('order-service-1 to postgres')
  link.cut()
  const ids = await Promise.all(people('half', 20).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await Promise.all(ids.map((id, i) => shown(shop, id, `half-${i}`, ['ORDERED'])))
  link.restore()
  expect(await atRest(shop, saleId)).toMatchObject({
    sales: [{ sold: 20, redisLeft: STOCK - 20 }],
    queues: { deadLetters: 0 },
  })
})

test('answers to COMMIT lost: committed decisions are found again, and no order is placed twice', async () => {
  const links = ['order-service-1 to postgres', 'order-service-2 to postgres'].map((name) => shop.links.named(name))
  for (const link of links) link.loseAnswers('COMMIT')
  const ids = await Promise.all(people('unheard', 20).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  // Not all of them: a service tries its first batch again and again, and what comes behind waits for it.
  await eventually('orders of which no service knows', orders, (count) => count > 0)
  await eventually(
    'their answers to be lost',
    () => links.reduce((sum, link) => sum + link.lost(), 0),
    (lost) => lost > 0,
  )
  for (const link of links) link.restore()

  await Promise.all(ids.map((id, i) => shown(shop, id, `unheard-${i}`, ['ORDERED'])))
  // Tried again, the batch meets its own decisions; it is not taken for poison.
  expect(await atRest(shop, saleId)).toMatchObject({
    sales: [{ sold: 20, redisLeft: STOCK - 20, orders: { PENDING_PAYMENT: 20 } }],
    queues: { deadLetters: 0 },
  })
})

test('the row of the sale locked: buying goes on, and requests that need the lock get 503', async () => {
  const orderId = await ordered('early')
  const ids = await shop.ledgers.database.$transaction(
    async (tx) => {
      // It is held for as long as buying takes.
      await tx.$executeRaw`SET LOCAL idle_in_transaction_session_timeout = 0`
      await tx.$executeRaw`SELECT FROM sales WHERE id = ${saleId} FOR UPDATE`
      const accepted = await Promise.all(
        people('meanwhile', 20).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)),
      )
      expect((await ask(shop, 'GET', `/orders/${orderId}`, 'early')).body.status).toBe('PENDING_PAYMENT')
      expect(await ask(shop, 'POST', `/orders/${orderId}/cancellation`, 'early')).toMatchObject(COME_BACK)
      return accepted
    },
    { timeout: stretched(60_000) },
  )

  await Promise.all(ids.map((id, i) => shown(shop, id, `meanwhile-${i}`, ['ORDERED'])))
  expect((await ask(shop, 'POST', `/orders/${orderId}/cancellation`, 'early')).body.status).toBe('CANCELLED')
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 20, redisLeft: STOCK - 20 }] })
})

test('a slow PostgreSQL delays orders and duplicates none', async () => {
  for (const name of ['order-service-1 to postgres', 'order-service-2 to postgres'])
    shop.links.named(name).delay(shortOrLong(150, 400))
  const ids = await Promise.all(people('patient', 20).map((buyerId) => buyUntilAvailable(shop, saleId, buyerId)))
  await Promise.all(ids.map((id, i) => shown(shop, id, `patient-${i}`, ['ORDERED'])))
  expect(await atRest(shop, saleId)).toMatchObject({ sales: [{ sold: 20, redisLeft: STOCK - 20 }] })
})
