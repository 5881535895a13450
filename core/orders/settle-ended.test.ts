import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Ledger } from '../../test/support/ledger.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { createLog } from '../platform/process/log.ts'
import { connectRedis, redisReady } from '../platform/stores/redis.ts'
import { SaleAdmin } from '../stock/sale-admin.ts'
import { Stock } from '../stock/stock.ts'
import { settleEnded } from './settle-ended.ts'
import { placeOrders } from './place-orders.ts'
import { cancelForBuyer, cancelUnpaid } from './transitions.ts'

const SALE = 'sale-1'
const UNITS = 100
const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
let world: World
let ledger: Ledger

beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
  const sale = { title: 'A sale', priceCents: 1_000 }
  const closesAtMs = Date.now() + 3_600_000
  await world.database.sale.create({
    data: { ...sale, id: SALE, stock: UNITS, opensAt: new Date(0), closesAt: new Date(closesAtMs) },
  })
  await loadSale(world, {
    ...sale,
    saleId: SALE,
    epoch: 1,
    total: UNITS,
    left: UNITS,
    perBuyerLimit: 1,
    opensAtMs: 0,
    closesAtMs,
  })
})
afterAll(() => world.close())

async function ordered(paymentWindowMs = 60_000) {
  const ref = { saleId: SALE, reservationId: `${SALE}.${randomBytes(16).toString('base64url')}`, buyerId: randomUUID() }
  await reserveOne(world.stock, { saleId: SALE, epoch: 1, total: UNITS }, ref)
  const rules = { reservationLifetimeMs: 60_000, paymentWindowMs, sagaMs: 0 }
  const [verdict] = await placeOrders(
    world.database,
    [{ ...ref, quantity: 1, epoch: 1, reservedAtMs: Date.now() }],
    rules,
  )
  if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
  return { ...ref, orderId: verdict.decision.orderId }
}

async function cancelled(by: 'UNPAID' | 'BUYER') {
  const { orderId, ...ref } = await ordered(by === 'UNPAID' ? 0 : 60_000)
  const changed =
    by === 'UNPAID'
      ? await cancelUnpaid(world.database, [orderId])
      : await cancelForBuyer(world.database, orderId, ref.buyerId)
  expect(changed).toHaveLength(1)
  return { ...ref, orderId }
}
const deps = () => ({ database: world.database, stock: world.stock, log })
const unitsLeft = async () => (await world.stock.readSale(SALE))?.left
const unsettled = () =>
  world.database.order.count({ where: { status: { in: ['CANCELLED', 'REFUNDED'] }, settledAt: null } })

test('units of cancelled orders go back once, with the reason told to the buyer', async () => {
  const lapsed = await cancelled('UNPAID')
  const unwanted = await cancelled('BUYER')
  expect(await unitsLeft()).toBe(UNITS - 2)
  const ids = [lapsed.orderId, unwanted.orderId]
  await Promise.all([settleEnded(deps(), ids), settleEnded(deps(), ids), settleEnded(deps())])
  expect(await unitsLeft()).toBe(UNITS)
  expect(await world.stock.readReservation(lapsed)).toMatchObject({
    status: 'CANCELLED',
    reason: 'UNPAID',
  })
  expect(await world.stock.readReservation(unwanted)).toMatchObject({
    status: 'CANCELLED',
    reason: 'BUYER',
  })
  expect(await settleEnded(deps())).toBe(0)
})

test('only the orders asked for are released; without ids the oldest are, as many as asked', async () => {
  const [first, second, third] = [await cancelled('BUYER'), await cancelled('BUYER'), await cancelled('BUYER')]
  expect(await settleEnded(deps(), [second.orderId])).toBe(1)
  expect(await settleEnded(deps(), undefined, 1)).toBe(1)
  expect(await world.stock.readReservation(first)).toMatchObject({ status: 'CANCELLED' })
  expect(await world.stock.readReservation(third)).toMatchObject({ status: 'RESERVED' })
  expect(await settleEnded(deps(), [])).toBe(0)
  expect(await settleEnded(deps())).toBe(1)
  expect(await unitsLeft()).toBe(UNITS)
})

test('while Redis is away nothing is written down as released, and the next sweep makes good', async () => {
  const { orderId } = await cancelled('UNPAID')
  const away = connectRedis(world.redisUrl, log)
  await redisReady(away)
  away.disconnect()
  expect(await settleEnded({ ...deps(), stock: new Stock(away, world.keyPrefix) }, [orderId])).toBe(0)
  expect(await unsettled()).toBe(1)
  expect(await settleEnded(deps())).toBe(1)
  expect(await unsettled()).toBe(0)
  expect(await unitsLeft()).toBe(UNITS)
})

test('a crash after Redis was told gives the unit back once all the same', async () => {
  const { orderId } = await cancelled('BUYER')
  await settleEnded(deps(), [orderId])
  await world.database.order.update({ where: { id: orderId }, data: { settledAt: null } })
  await settleEnded(deps())
  expect(await unitsLeft()).toBe(UNITS)
  expect(await unsettled()).toBe(0)
})

/** Refunded, and Redis knows of the payment only if it was told before. */
async function refunded({ isPaymentTold }: { isPaymentTold: boolean }) {
  const order = await ordered()
  await ledger.pay(order.orderId)
  if (isPaymentTold) await settleEnded(deps(), [order.orderId])
  await ledger.refund(order.orderId)
  return order
}

test.each([true, false])(
  'the unit of a refunded order goes back once, whether or not Redis heard of the payment (%s), and the buyer may buy again',
  async (isPaymentTold) => {
    const { reservationId, buyerId, orderId } = await refunded({ isPaymentTold })
    expect(await unitsLeft()).toBe(UNITS - 1)
    await Promise.all([settleEnded(deps(), [orderId]), settleEnded(deps(), [orderId]), settleEnded(deps())])
    expect(await unitsLeft()).toBe(UNITS)
    expect(await world.stock.readReservation({ reservationId, buyerId })).toMatchObject({
      status: 'REFUNDED',
      reason: 'VETOED',
    })
    expect(await unsettled()).toBe(0)

    const again = {
      saleId: SALE,
      reservationId: `${SALE}.${randomUUID()}`,
      buyerId,
      quantity: 1,
      epoch: 1,
      reservedAtMs: Date.now(),
    }
    expect(await reserveOne(world.stock, { saleId: SALE, epoch: 1, total: UNITS }, again)).toMatchObject({
      status: 'RESERVED',
    })
    const [verdict] = await placeOrders(world.database, [again], {
      reservationLifetimeMs: 60_000,
      paymentWindowMs: 0,
      sagaMs: 0,
    })
    expect(verdict?.decision).toMatchObject({ outcome: 'ORDERED' })
    await cancelForBuyer(
      world.database,
      verdict?.decision.outcome === 'ORDERED' ? verdict.decision.orderId : '',
      buyerId,
    )
    await settleEnded(deps())
    expect(await unitsLeft()).toBe(UNITS)
  },
)

test('a payment that is told late does not bring a refunded order back', async () => {
  const { reservationId, buyerId, orderId } = await refunded({ isPaymentTold: false })
  await settleEnded(deps())
  for (const status of ['PAID', 'ORDERED'] as const)
    await world.stock.settle(SALE, status, [{ reservationId, buyerId, orderId }])
  expect(await world.stock.readReservation({ reservationId, buyerId })).toMatchObject({ status: 'REFUNDED' })
})

test('a refund that comes while Redis hears of the payment is told after it', async () => {
  const { reservationId, buyerId, orderId } = await ordered()
  await ledger.pay(orderId)
  const refundsMeanwhile = new (class extends Stock {
    override async settle(...settled: Parameters<Stock['settle']>): Promise<void> {
      await super.settle(...settled)
      await ledger.refund(orderId)
    }
  })(world.redis, world.keyPrefix)
  await settleEnded({ ...deps(), stock: refundsMeanwhile }, [orderId])
  expect(await world.stock.readReservation({ reservationId, buyerId })).toMatchObject({ status: 'PAID' })
  expect(await settleEnded(deps())).toBe(1)
  expect(await world.stock.readReservation({ reservationId, buyerId })).toMatchObject({ status: 'REFUNDED' })
  expect(await unitsLeft()).toBe(UNITS)
})

test('refunded while Redis is away, an order is told by the next sweep', async () => {
  const { orderId } = await refunded({ isPaymentTold: true })
  const away = connectRedis(world.redisUrl, log)
  await redisReady(away)
  away.disconnect()
  expect(await settleEnded({ ...deps(), stock: new Stock(away, world.keyPrefix) }, [orderId])).toBe(0)
  expect([await unsettled(), await unitsLeft()]).toEqual([1, UNITS - 1])
  expect(await settleEnded(deps())).toBe(1)
  expect([await unsettled(), await unitsLeft()]).toEqual([0, UNITS])
})

test('refunded while its sale is closed, an order waits until it is open', async () => {
  const { orderId } = await refunded({ isPaymentTold: true })
  const saleAdmin = new SaleAdmin(world.redis, world.keyPrefix)
  const sale = await world.stock.readSale(SALE)
  if (!sale) throw new Error('expected the sale')
  await saleAdmin.close({ ...sale, epoch: 2 })
  expect(await settleEnded(deps(), [orderId])).toBe(0)
  expect(await unsettled()).toBe(1)
  await saleAdmin.open(SALE, 2, sale.left)
  expect(await settleEnded(deps())).toBe(1)
  expect([await unsettled(), await unitsLeft()]).toEqual([0, UNITS])
})
