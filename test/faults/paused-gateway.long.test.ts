import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ageReservation } from '../support/change-reservation.ts'
import { eventually } from '../support/eventually.ts'
import { atRest, buy, buyUntilAvailable, PATIENT, people, shown } from './support/purchases.ts'
import { type Shop, startShop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await startShop(PATIENT)
})
afterAll(() => shop.close())

/** As long as the broker's heartbeat limit: what the gateway does after it meets a closed connection. */
const PAUSE_MS = 10_000
/** Longer than the lifetime of a reservation. */
const TOO_OLD_MS = 2 * 3_600_000

test('reservations of a gateway that is paused for 10 s are resent by the other one, once', async () => {
  const saleId = await shop.openSale(30)
  // Its messages take so long that it is certainly paused with some in hand, and some of their buyers without an
  // answer.
  shop.links.named('gateway-1 to rabbitmq').delay(300)
  const inHand = people('in-hand', 20)
  const answers = inHand.map((buyerId) => buy(shop, saleId, buyerId).catch(() => undefined))
  await eventually(
    'all to be reserved',
    () => shop.ledgers.countPending(saleId),
    (count) => count === 20,
  )
  shop.instance('gateway-1').pause()
  const paused = sleep(PAUSE_MS)

  const ids = await Promise.all(inHand.map((buyerId) => buyUntilAvailable(shop, saleId, buyerId, 1)))
  const ends = await Promise.all(ids.map((id, i) => shown(shop, id, inHand[i] ?? '', ['ORDERED', 'REJECTED'], 1)))
  expect(ends.map(({ status }) => status)).toEqual(ends.map(() => 'ORDERED'))
  await paused
  shop.instance('gateway-1').resume()
  shop.links.named('gateway-1 to rabbitmq').restore()

  const told = (await Promise.all(answers)).map((answer, i) => (answer?.status === 202 ? answer.body.id : ids[i]))
  expect(told).toEqual(ids)
  expect(await buyUntilAvailable(shop, saleId, 'in-hand-0')).toBe(ids[0])
  expect(await atRest(shop, saleId)).toMatchObject({
    sales: [{ sold: 20, redisLeft: 10, orders: { PENDING_PAYMENT: 20 } }],
  })
})

test('a gateway that resumes after its unit was resold does not sell it twice', async () => {
  const saleId = await shop.openSale(1)
  for (const name of ['gateway-1 to rabbitmq', 'gateway-2 to rabbitmq']) shop.links.named(name).cut()
  const { body } = await buy(shop, saleId, 'first')
  shop.instance('gateway-1').pause()
  // No gateway could publish it in its lifetime: the sweeper rejects it, and its tombstone meets the late message.
  await ageReservation(shop.ledgers, { reservationId: String(body.id), buyerId: 'first' }, TOO_OLD_MS)
  expect(await shown(shop, String(body.id), 'first', ['REJECTED'], 1)).toMatchObject({ reason: 'EXPIRED' })
  shop.links.named('gateway-2 to rabbitmq').restore()
  const second = await eventually(
    'the unit to be sold again',
    () =>
      buyUntilAvailable(shop, saleId, 'second', 1).then((id) => shown(shop, id, 'second', ['ORDERED', 'REJECTED'], 1)),
    ({ status }) => status === 'ORDERED',
  )

  shop.instance('gateway-1').resume()
  shop.links.named('gateway-1 to rabbitmq').restore()
  const late = await eventually(
    'the late gateway to answer',
    () => buy(shop, saleId, 'first').catch(() => undefined),
    (answer) => (answer?.status ?? 503) !== 503,
  )
  expect(late?.body.code).toBe('SOLD_OUT')
  expect(second.status).toBe('ORDERED')
  expect(await atRest(shop, saleId)).toMatchObject({
    sales: [{ sold: 1, redisLeft: 0, orders: { PENDING_PAYMENT: 1 } }],
  })
})
