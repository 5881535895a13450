import { randomBytes } from 'node:crypto'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokens } from '../core/platform/http/tokens.ts'
import { commandArgs } from './bundles.ts'
import { eventually } from './support/eventually.ts'
import { type Answer, call } from './support/http-client.ts'
import { reserveOne } from './support/reserve-one.ts'
import { type ServiceName, startSystem, type System } from './support/system.ts'

const ALL_SERVICES: ServiceName[] = [
  'payment-provider',
  'order-service',
  'cancel-worker',
  'control-room',
  'gateway',
  'subscribers',
]
const PRICE_CENTS = 1_000
interface Wishes {
  coupon?: string
  points?: number
}

let system: System
beforeAll(async () => {
  system = await startSystem({ RISK_PAID_PER_MINUTE_MAX: '1' }, ALL_SERVICES)
})
afterAll(() => system.close())

const coupon = (code: string, discountCents: number) => system.controlRoom('PUT', `/coupons/${code}`, { discountCents })
const orderOf = (token: string, orderId: string) => call('GET', system.url(`/orders/${orderId}`), { token })
const openPayment = (token: string, orderId: string) =>
  call('POST', system.url(`/orders/${orderId}/payments`), { token })

const buy = async (saleId: string, name: string, wishes: Wishes) =>
  await buyWith(await system.signIn(name), saleId, wishes)

async function buyWith(token: string, saleId: string, wishes: Wishes) {
  const { status, body } = await system.buy(saleId, token, wishes)
  if (status !== 202) throw new Error(`Expected 202, got ${JSON.stringify(body)}`)
  const reservationId = String(body.id)
  const { orderId } = await system.settled(reservationId, token)
  return { token, reservationId, orderId: String(orderId) }
}

/** Waits for the order's saga to be there. */
const sagaOf = ({ token, orderId }: { token: string; orderId: string }, state: string): Promise<Answer> =>
  eventually(
    `the saga to be ${state}`,
    () => orderOf(token, orderId),
    ({ body }) => (body.saga as { state?: string } | undefined)?.state === state,
  )

async function pay({ token, orderId }: { token: string; orderId: string }): Promise<void> {
  const { body } = await openPayment(token, orderId)
  await call('POST', String(body.url), { headers: { accept: 'application/json' } })
}

function userId(token: string): string {
  return (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }).sub
}

test('a buyer pays what coupon and points have left of the price, and not before they are taken', async () => {
  const saleId = await system.createSale()
  await coupon('TEST-1', 300)
  const token = await system.signIn('thrifty')
  const given = await system.controlRoom('POST', `/points/${userId(token)}`, { points: 150 })
  expect(given).toMatchObject({ status: 201, body: { points: 150 } })

  await system.stop('subscribers')
  const order = await buy(saleId, 'thrifty', { coupon: 'TEST-1', points: 100 })
  const waiting = await openPayment(order.token, order.orderId)
  expect(waiting).toMatchObject({ status: 409, body: { code: 'NOT_READY' } })
  expect(waiting.headers.get('retry-after')).toBe('1')
  expect((await orderOf(token, order.orderId)).body).toMatchObject({
    amountCents: PRICE_CENTS,
    couponCode: 'TEST-1',
    points: 100,
    saga: { state: 'RUNNING' },
  })
  expect((await system.controlRoom('GET', '/sagas?state=RUNNING')).body).toMatchObject({
    counts: { RUNNING: 1 },
    sagas: [{ orderId: order.orderId, step: 'order.created' }],
  })
  await system.start('subscribers')
  expect((await sagaOf(order, 'DONE')).body).toMatchObject({ status: 'PENDING_PAYMENT', amountCents: 600 })

  const held = { id: order.reservationId, coupon: 'TEST-1', points: 100 }
  expect((await system.buy(saleId, token, { coupon: 'TEST-1', points: 100 })).body).toMatchObject(held)
  expect(await system.buy(saleId, token, { coupon: 'OTHER' })).toMatchObject({
    status: 422,
    body: { code: 'KEY_REUSED', reservation: held },
  })
  await pay(order)
  await system.settled(order.reservationId, token, ['PAID'])
  expect((await orderOf(token, order.orderId)).body).toMatchObject({
    status: 'PAID',
    amountCents: 600,
    saga: { state: 'DONE' },
  })
})

test('of the dearest sale every sum is exact: what is paid, given back, counted and granted', async () => {
  const dearest = 2 ** 31 - 1
  const saleId = await system.createSale({ priceCents: dearest, stock: 2 ** 22 })
  await coupon('TEST-6', 1)
  // A fork may sell what is so dear to members alone.
  const tokens = createTokens(system.env.TOKEN_SECRET ?? '')
  const rich = (i: number) => tokens.sign(`rich-${i}`, { tier: 'vip' })
  for (const total of [dearest, 2 * dearest]) {
    expect(await system.controlRoom('POST', `/points/${userId(rich(0))}`, { points: dearest })).toMatchObject({
      status: 201,
      body: { points: total },
    })
  }
  const orders = [
    await buyWith(rich(0), saleId, { points: dearest - 1 }),
    await buyWith(rich(1), saleId, {}),
    await buyWith(rich(2), saleId, { coupon: 'TEST-6' }),
    await buyWith(rich(3), saleId, {}),
  ]
  for (const [i, order] of orders.entries()) {
    if (i % 2 === 0) await sagaOf(order, 'DONE')
    await pay(order)
    await system.settled(order.reservationId, order.token, ['PAID'])
  }
  expect(
    (await Promise.all(orders.map(({ token: buyer, orderId }) => orderOf(buyer, orderId)))).map(
      ({ body }) => body.amountCents,
    ),
  ).toEqual([1, dearest, dearest - 1, dearest])
  await eventually(
    'the money to be counted',
    () => system.world.database.saleTotal.findUnique({ where: { saleId } }),
    (total) => total?.revenueCents === BigInt(3 * dearest),
  )
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 4 }] })
})

test('of what costs nothing, from the beginning or after coupon and points, the order is paid at once, without the provider, and no money goes back', async () => {
  const free = await system.createSale({ priceCents: 0 })
  const order = await buy(free, 'lucky', {})
  expect((await orderOf(order.token, order.orderId)).body).toMatchObject({ status: 'PAID', amountCents: 0 })
  expect(await system.settled(order.reservationId, order.token, ['PAID'])).toMatchObject({ orderId: order.orderId })
  expect(await openPayment(order.token, order.orderId)).toMatchObject({ status: 409, body: { code: 'NOT_PAYABLE' } })
  expect(await call('POST', system.url(`/orders/${order.orderId}/cancellation`), { token: order.token })).toMatchObject(
    { status: 409, body: { code: 'NOT_CANCELLABLE' } },
  )

  await coupon('TEST-7', PRICE_CENTS)
  await coupon('TEST-8', PRICE_CENTS + 1)
  const wishes: { coupon?: string; points?: number }[] = [
    { coupon: 'TEST-7' },
    { points: PRICE_CENTS },
    { coupon: 'TEST-8', points: 1 },
  ]
  for (const [i, wish] of wishes.entries()) {
    const saleId = await system.createSale()
    await system.controlRoom('POST', `/points/${userId(await system.signIn(`lucky ${i}`))}`, { points: PRICE_CENTS })
    const taken = await buy(saleId, `lucky ${i}`, wish)
    await system.settled(taken.reservationId, taken.token, ['PAID'])
    expect((await orderOf(taken.token, taken.orderId)).body).toMatchObject({
      status: 'PAID',
      amountCents: 0,
      saga: { state: 'DONE' },
    })
    const { coupon: code } = wish
    if (code)
      await eventually(
        'the coupon to be used',
        () => system.world.database.coupon.findUnique({ where: { code } }),
        (found) => found?.status === 'USED',
      )
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  }

  // Risk control takes back the second in a minute.
  const second = await buy(await system.createSale({ priceCents: 0 }), 'lucky', {})
  const both = await eventually(
    'one of them to be taken back',
    async () => [await orderOf(order.token, order.orderId), await orderOf(order.token, second.orderId)],
    (answers) => answers.some(({ body }) => body.status === 'REFUNDED'),
  )
  expect(both.map(({ body }) => String(body.status)).sort()).toEqual(['PAID', 'REFUNDED'])
  expect(await system.auditAtRest(free)).toMatchObject({ balanced: true })
  expect(await system.world.database.payment.count({ where: { amountCents: 0 } })).toBe(0)
  expect(await system.world.database.refund.count({ where: { amountCents: 0 } })).toBe(0)
})

test('a coupon that is used ends the order, and the unit is there for its buyer again', async () => {
  const saleId = await system.createSale({ stock: 1 })
  await coupon('TEST-2', 300)
  await sagaOf(await buy(await system.createSale(), 'first', { coupon: 'TEST-2' }), 'DONE')
  const late = await buy(saleId, 'late', { coupon: 'TEST-2' })
  expect(await system.settled(late.reservationId, late.token, ['CANCELLED'])).toMatchObject({
    reason: 'COUPON_REFUSED',
  })
  expect((await orderOf(late.token, late.orderId)).body).toMatchObject({
    status: 'CANCELLED',
    reason: 'COUPON_REFUSED',
    saga: { state: 'COMPENSATED', reason: 'COUPON_REFUSED' },
  })
  await buy(saleId, 'late', {})
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})

test('risk control takes back the order that broke its rule: the buyer sees REFUNDED, the coupon is free', async () => {
  const [one, two] = [await system.createSale(), await system.createSale()]
  await coupon('TEST-3', 100)
  const first = await buy(one, 'eager', {})
  const second = await buy(two, 'eager', { coupon: 'TEST-3' })
  await sagaOf(second, 'DONE')
  await pay(first)
  await pay(second)
  const vetoed = await eventually(
    'one of them to be refunded',
    async () => [await orderOf(first.token, first.orderId), await orderOf(first.token, second.orderId)],
    (answers) => answers.some(({ body }) => body.status === 'REFUNDED'),
  )
  expect(vetoed.map(({ body }) => String(body.status)).sort()).toEqual(['PAID', 'REFUNDED'])
  expect(vetoed.find(({ body }) => body.status === 'REFUNDED')?.body).toMatchObject({
    reason: 'VETOED',
    saga: { state: 'COMPENSATED', reason: 'VETOED' },
  })
  await eventually(
    'the money to be back',
    () => system.world.database.refund.count({ where: { completedAt: { not: null } } }),
    (count) => count === 1,
  )
  for (const saleId of [one, two]) expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('while the subscribers are down the order is called off in time, and settled once they are back', async () => {
  const saleId = await system.createSale()
  await coupon('TEST-4', 300)
  await system.stop('subscribers')
  const order = await buy(saleId, 'unlucky', { coupon: 'TEST-4' })
  await system.world.database.saga.update({ where: { orderId: order.orderId }, data: { dueAt: new Date(0) } })
  await sagaOf(order, 'COMPENSATING')
  const { stdout } = await execa('node', [...commandArgs('sagas'), '--state', 'compensating'], {
    env: { DATABASE_URL: system.world.databaseUrl },
  })
  expect(stdout).toContain(order.orderId)
  expect(stdout).toContain('NOT_COMPLETED')
  await system.start('subscribers')
  expect(await system.settled(order.reservationId, order.token, ['CANCELLED'])).toMatchObject({
    reason: 'NOT_COMPLETED',
  })
  expect(await system.world.database.coupon.findUnique({ where: { code: 'TEST-4' } })).toMatchObject({
    status: 'AVAILABLE',
    orderId: null,
  })
  const audited = async () =>
    (await system.auditAtRest()).sales
      .flatMap(({ checks }) => checks.filter(({ id }) => id === 5 || id === 6))
      .every(({ state }) => state === 'ok')
  await eventually('everything to have come to its end', audited, (isDone) => isDone)
})

test('a gateway that dies before it hands a purchase on takes no wish with it', async () => {
  const saleId = await system.createSale()
  await coupon('TEST-5', 300)
  const token = await system.signIn('patient')
  const sale = await system.world.stock.readSale(saleId)
  if (!sale) throw new Error('expected the sale in Redis')
  const reservationId = `${saleId}.${randomBytes(16).toString('base64url')}`
  await reserveOne(system.world.stock, sale, {
    reservationId,
    buyerId: userId(token),
    wishes: { couponCode: 'TEST-5' },
  })
  const { orderId } = await system.settled(reservationId, token)
  expect((await sagaOf({ token, orderId: String(orderId) }, 'DONE')).body).toMatchObject({
    couponCode: 'TEST-5',
    amountCents: 700,
  })
})

test('what is no coupon, or no number of points, is refused before anything is set aside', async () => {
  const saleId = await system.createSale({ stock: 1 })
  const token = await system.signIn('odd')
  for (const wishes of [
    { coupon: '' },
    { coupon: 'A B' },
    { coupon: 'x'.repeat(41) },
    { coupon: 7 },
    { coupon: null },
    { points: -1 },
    { points: 1.5 },
    { points: 2 ** 31 },
    { points: '5' },
  ]) {
    expect(await system.buy(saleId, token, wishes)).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  }
  expect(await system.buy(saleId, token, { points: 0 })).toMatchObject({ status: 202 })
})
