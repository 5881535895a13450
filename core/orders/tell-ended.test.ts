import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadSale } from '../../test/support/load-sale.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { createLog } from '../platform/log.ts'
import { connectRedis, redisReady } from '../platform/redis.ts'
import { Stock } from '../stock/stock.ts'
import { tellEnded } from './tell-ended.ts'
import { placeOrders } from './place-orders.ts'
import { cancelForBuyer, cancelUnpaid } from './transitions.ts'

const SALE = 'sale-1'
const UNITS = 100
const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
let world: World

beforeAll(async () => {
  world = await createWorld()
  const sale = { title: 'A sale', priceCents: 1_000 }
  const closesAtMs = Date.now() + 3_600_000
  await world.database.sale.create({ data: { ...sale, id: SALE, stock: UNITS, opensAt: new Date(0), closesAt: new Date(closesAtMs) } })
  await loadSale(world, { ...sale, saleId: SALE, epoch: 1, total: UNITS, left: UNITS, perBuyerLimit: 1, opensAtMs: 0, closesAtMs })
})
afterAll(() => world.close())

async function cancelled(by: 'UNPAID' | 'BUYER') {
  const ref = { saleId: SALE, reservationId: `${SALE}.${randomBytes(16).toString('base64url')}`, buyerId: randomUUID() }
  await reserveOne(world.stock, { saleId: SALE, epoch: 1, total: UNITS }, ref)
  const rules = { reservationLifetimeMs: 60_000, paymentWindowMs: by === 'UNPAID' ? 0 : 60_000 }
  const [verdict] = await placeOrders(world.database, [{ ...ref, quantity: 1, epoch: 1, reservedAtMs: Date.now() }], rules)
  if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
  const { orderId } = verdict.decision
  const changed = by === 'UNPAID' ? await cancelUnpaid(world.database, [orderId]) : await cancelForBuyer(world.database, orderId, ref.buyerId)
  expect(changed).toHaveLength(1)
  return { ...ref, orderId }
}
const deps = () => ({ database: world.database, stock: world.stock, log })
const unitsLeft = async () => (await world.stock.readSale(SALE))?.left
const untold = () => world.database.order.count({ where: { status: 'CANCELLED', toldAt: null } })

test('units of cancelled orders go back once, with the reason told to the buyer', async () => {
  const lapsed = await cancelled('UNPAID')
  const unwanted = await cancelled('BUYER')
  expect(await unitsLeft()).toBe(UNITS - 2)
  const ids = [lapsed.orderId, unwanted.orderId]
  await Promise.all([tellEnded(deps(), ids), tellEnded(deps(), ids), tellEnded(deps())])
  expect(await unitsLeft()).toBe(UNITS)
  expect(await world.stock.readReservation(SALE, lapsed.reservationId)).toMatchObject({ status: 'CANCELLED', reason: 'UNPAID' })
  expect(await world.stock.readReservation(SALE, unwanted.reservationId)).toMatchObject({ status: 'CANCELLED', reason: 'BUYER' })
  expect(await tellEnded(deps())).toBe(0)
})

test('only the orders asked for are released; without ids the oldest are, as many as asked', async () => {
  const [first, second, third] = [await cancelled('BUYER'), await cancelled('BUYER'), await cancelled('BUYER')]
  expect(await tellEnded(deps(), [second.orderId])).toBe(1)
  expect(await tellEnded(deps(), undefined, 1)).toBe(1)
  expect(await world.stock.readReservation(SALE, first.reservationId)).toMatchObject({ status: 'CANCELLED' })
  expect(await world.stock.readReservation(SALE, third.reservationId)).toMatchObject({ status: 'RESERVED' })
  expect(await tellEnded(deps(), [])).toBe(0)
  expect(await tellEnded(deps())).toBe(1)
  expect(await unitsLeft()).toBe(UNITS)
})

test('while Redis is away nothing is written down as released, and the next sweep makes good', async () => {
  const { orderId } = await cancelled('UNPAID')
  const away = connectRedis(world.redisUrl, log)
  await redisReady(away)
  away.disconnect()
  expect(await tellEnded({ ...deps(), stock: new Stock(away, world.keyPrefix) }, [orderId])).toBe(0)
  expect(await untold()).toBe(1)
  expect(await tellEnded(deps())).toBe(1)
  expect(await untold()).toBe(0)
  expect(await unitsLeft()).toBe(UNITS)
})

test('a crash after Redis was told gives the unit back once all the same', async () => {
  const { orderId } = await cancelled('BUYER')
  await tellEnded(deps(), [orderId])
  await world.database.order.update({ where: { id: orderId }, data: { toldAt: null } })
  await tellEnded(deps())
  expect(await unitsLeft()).toBe(UNITS)
  expect(await untold()).toBe(0)
})
