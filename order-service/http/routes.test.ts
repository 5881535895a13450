import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OrderView, PaymentView } from '../../core/contracts/orders.ts'
import { OwnReservations } from '../../core/contracts/purchases.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { settleEnded } from '../../core/orders/settle-ended.ts'
import { Closers } from '../../core/platform/process/closers.ts'
import { startHttp } from '../../core/platform/http/http-service.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { createMetrics } from '../../core/platform/process/metrics.ts'
import { connectRedis, redisReady } from '../../core/platform/stores/redis.ts'
import { requestTurns } from '../../core/platform/http/request-turns.ts'
import { signBody } from '../../core/platform/http/signature.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { Stock } from '../../core/stock/stock.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { startPaymentProvider } from '../../payment-provider/payment-provider.ts'
import { loadSale } from '../../test/support/load-sale.ts'
import { call } from '../../test/support/http-client.ts'
import { Ledger } from '../../test/support/ledger.ts'
import { inParallel } from '../../test/support/parallel.ts'
import { reserveOne } from '../../test/support/reserve-one.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { demoProvider } from '../payments/demo-provider.ts'
import { type OrderRoutesDeps, orderRoutes } from './routes.ts'
import { shortOrLong } from '../../test/support/thoroughness.ts'

const PAYMENT_SECRET = randomBytes(24).toString('hex')
const SALE = 'sale-1'
const UNITS = 1_000
const RULES = { reservationLifetimeMs: 60_000, paymentWindowMs: 60_000, sagaMs: 30_000 }
const tokens = createTokens(randomBytes(24).toString('hex'))
const log = createLog('test', process.env.TEST_LOG_LEVEL ?? 'silent')
const closers = new Closers(log)

let world: World
let url = ''
/** The same routes with neither Redis nor the payment provider reachable. */
let degradedUrl = ''

beforeAll(async () => {
  world = await createWorld()
  closers.add('world', () => world.close())
  const [port, providerPort] = [await freePort(), await freePort()]
  url = await listen(
    { stock: world.stock, provider: demoProvider({ url: `http://127.0.0.1:${providerPort}`, secret: PAYMENT_SECRET }) },
    port,
  )
  degradedUrl = await listen({
    stock: await unreachableStock(),
    provider: demoProvider({ url: `http://127.0.0.1:${await freePort()}`, secret: PAYMENT_SECRET }),
  })
  const config = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    HOST: '127.0.0.1',
    PAYMENT_PROVIDER_PORT: providerPort,
    ALLOW_DEMO_PAYMENTS: false,
    TRACE_SAMPLE_RATE: 0,
    TRACE_SLOW_MS: 1_000,
    PAYMENT_SECRET,
    PUBLIC_URL: url,
  } as const
  await startPaymentProvider({ config, log, closers })

  const opensAtMs = 0
  const closesAtMs = Date.now() + 3_600_000
  const sale = { title: 'A sale', priceCents: 1_000 }
  await world.database.sale.create({
    data: { ...sale, id: SALE, stock: UNITS, opensAt: new Date(opensAtMs), closesAt: new Date(closesAtMs) },
  })
  await loadSale(world, {
    ...sale,
    saleId: SALE,
    epoch: 1,
    total: UNITS,
    left: UNITS,
    perBuyerLimit: 1,
    opensAtMs,
    closesAtMs,
  })
})
afterAll(() => closers.closeAll())

async function listen(deps: Pick<OrderRoutesDeps, 'stock' | 'provider'>, port = 0): Promise<string> {
  const metrics = createMetrics('test')
  const each = { atOnce: 5, waitingMax: 1_000, waitMsMax: 60_000 }
  const turns = requestTurns({ reading: each, paying: each, callback: each }, metrics)
  const shop = { database: world.database, tokens, log, currency: 'CNY', onChange: () => {} }
  const routes = orderRoutes({ ...deps, ...shop, turns })
  const http = await startHttp({ host: '127.0.0.1', port, log, metrics, checks: {}, routes })
  closers.add('http', http.close)
  return `http://127.0.0.1:${http.port}`
}

async function unreachableStock(): Promise<Stock> {
  const redis = connectRedis(world.redisUrl, log)
  await redisReady(redis)
  redis.disconnect()
  return new Stock(redis, world.keyPrefix)
}

/** An unpaid order of a new buyer, with its reservation in Redis. */
async function ordered() {
  const buyerId = `buyer-${randomUUID()}`
  const ref = { saleId: SALE, reservationId: `${SALE}.${randomBytes(16).toString('base64url')}`, buyerId }
  const reserved = await reserveOne(world.stock, { saleId: SALE, epoch: 1, total: 10 }, ref)
  if (reserved.status !== 'RESERVED') throw new Error(`Expected RESERVED, got ${reserved.status}`)
  const [verdict] = await placeOrders(
    world.database,
    [{ ...ref, quantity: 1, epoch: 1, reservedAtMs: reserved.reservedAtMs }],
    RULES,
  )
  if (verdict?.decision.outcome !== 'ORDERED') throw new Error(`Expected ORDERED, got ${JSON.stringify(verdict)}`)
  const { orderId } = verdict.decision
  await world.stock.settle(SALE, 'ORDERED', [{ ...ref, orderId }])
  return { ...ref, orderId, token: tokens.sign(buyerId) }
}
type Ordered = Awaited<ReturnType<typeof ordered>>

const order = ({ orderId, token }: Pick<Ordered, 'orderId' | 'token'>, at = url) =>
  call('GET', `${at}/orders/${orderId}`, { token })
const open = ({ orderId, token }: Pick<Ordered, 'orderId' | 'token'>, at = url) =>
  call('POST', `${at}/orders/${orderId}/payments`, { token })
const cancel = ({ orderId, token }: Pick<Ordered, 'orderId' | 'token'>, at = url) =>
  call('POST', `${at}/orders/${orderId}/cancellation`, { token })
const pay = (link: unknown) => call('POST', String(link), { headers: { accept: 'application/json' } })
const unitsLeft = async () => (await world.stock.readSale(SALE))?.left
const reservation = async (buyer: Ordered) => (await world.stock.readReservation(buyer)) ?? {}
const refunds = (orderId: string) => world.database.refund.count({ where: { payment: { orderId } } })

/** The body of a callback for the order's payment. */
async function money(buyer: Ordered, changes: object = {}) {
  const { body } = await open(buyer)
  return JSON.stringify({
    paymentId: body.paymentId,
    orderId: buyer.orderId,
    amountCents: 1_000,
    currency: 'CNY',
    providerRef: `ref-${randomUUID()}`,
    ...changes,
  })
}
const callback = (body: string, signature: string | undefined, at = url) =>
  call('POST', `${at}/payments/callback`, {
    body,
    headers: signature === undefined ? {} : { 'Payment-Signature': signature },
  })
const signed = (body: string, at = url) => callback(body, signBody(PAYMENT_SECRET, body), at)

describe('an order', () => {
  test('is shown to its buyer as the contract says, with no-store', async () => {
    const buyer = await ordered()
    const { status, body, headers } = await order(buyer)
    expect(status).toBe(200)
    expect(OrderView.parse(body)).toMatchObject({
      id: buyer.orderId,
      status: 'PENDING_PAYMENT',
      amountCents: 1_000,
      quantity: 1,
    })
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('of another buyer, an unknown id and a malformed id get the same answer', async () => {
    const { orderId } = await ordered()
    const { token } = await ordered()
    for (const ask of [order, open, cancel]) {
      const answers = await Promise.all(
        [orderId, randomUUID(), 'not-an-id', `${orderId}x`, '%00', '1%27--'].map((id) => ask({ orderId: id, token })),
      )
      for (const answer of answers) expect(answer).toMatchObject({ status: 404, body: answers[0]?.body })
    }
  })

  test('needs a valid token, before its body is read', async () => {
    const { orderId } = await ordered()
    for (const token of [undefined, '', 'x', createTokens('another secret of 32 characters or more').sign('me')]) {
      expect(await call('GET', `${url}/orders/${orderId}`, { token })).toMatchObject({
        status: 401,
        body: { code: 'UNAUTHENTICATED' },
      })
      expect((await call('POST', `${url}/orders/${orderId}/payments`, { token, body: 'not json' })).status).toBe(401)
      expect((await call('POST', `${url}/orders/${orderId}/cancellation`, { token, body: { a: 1 } })).status).toBe(401)
    }
  })

  test.each(['payments', 'cancellation'])('accepts no body or {} at %s, and nothing else', async (path) => {
    const { orderId, token } = await ordered()
    const post = (body: unknown, headers = {}) =>
      call('POST', `${url}/orders/${orderId}/${path}`, { token, body, headers })
    for (const body of ['{"a":1}', '[]', 'null', '"x"', '{', '{"__proto__":{}}'])
      expect((await post(body)).status, body).toBe(400)
    expect((await post('a=1', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
    expect((await post(`{"a":"${'x'.repeat(17_000)}"}`)).status).toBe(413)
    expect((await order({ orderId, token })).body.status).toBe('PENDING_PAYMENT')
    expect((await post({})).status).toBeLessThan(300)
  })
})

describe('a payment', () => {
  test('is opened once, with one link, by many concurrent requests', async () => {
    const buyer = await ordered()
    const answers = await inParallel(20, 20, () => open(buyer))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(19)
    expect(new Set(answers.map(({ body }) => JSON.stringify(PaymentView.parse(body)))).size).toBe(1)
  })

  test('through the link makes the order PAID in PostgreSQL and Redis; a second one counts nothing', async () => {
    const buyer = await ordered()
    const {
      body: { url: link },
    } = await open(buyer)
    expect(await pay(link)).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
    expect(await pay(link)).toMatchObject({ status: 200, body: { outcome: 'ALREADY_COUNTED' } })
    expect(OrderView.parse((await order(buyer)).body)).toMatchObject({
      status: 'PAID',
      paidAt: expect.any(String) as unknown,
    })
    expect(await reservation(buyer)).toMatchObject({ status: 'PAID', orderId: buyer.orderId })
    expect(await open(buyer)).toMatchObject({
      status: 409,
      body: { code: 'NOT_PAYABLE', detail: expect.stringContaining('PAID') as unknown },
    })
    expect(await cancel(buyer)).toMatchObject({ status: 409, body: { code: 'NOT_CANCELLABLE' } })
    expect(await refunds(buyer.orderId)).toBe(0)
  })

  test('cannot be opened while the provider is unreachable, and is the same one afterwards', async () => {
    const buyer = await ordered()
    const away = await open(buyer, degradedUrl)
    expect(away).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } })
    expect(away.headers.get('retry-after')).toBe('2')
    expect((await open(buyer)).status).toBe(200)
    expect(await world.database.payment.count({ where: { orderId: buyer.orderId } })).toBe(1)
  })
})

test('a refunded order says when and why, cannot be paid or cancelled, and is refunded once', async () => {
  const buyer = await ordered()
  const body = await money(buyer)
  await signed(body)
  await new Ledger(world).refund(buyer.orderId)
  expect(OrderView.parse((await order(buyer)).body)).toMatchObject({
    status: 'REFUNDED',
    paidAt: expect.any(String) as unknown,
    refundedAt: expect.any(String) as unknown,
    reason: 'VETOED',
  })
  expect(await open(buyer)).toMatchObject({
    status: 409,
    body: { code: 'NOT_PAYABLE', detail: expect.stringContaining('REFUNDED') as unknown },
  })
  expect(await cancel(buyer)).toMatchObject({ status: 409, body: { code: 'NOT_CANCELLABLE' } })
  expect(await signed(body)).toMatchObject({ status: 200, body: { outcome: 'ALREADY_COUNTED' } })
  expect(await refunds(buyer.orderId)).toBe(1)
})

describe('a cancellation', () => {
  test('releases the unit and lets the buyer buy again, once', async () => {
    const buyer = await ordered()
    const before = (await unitsLeft()) ?? 0
    const answers = await inParallel(10, 10, () => cancel(buyer))
    for (const { status, body } of answers)
      expect({ status, order: OrderView.parse(body) }).toMatchObject({
        status: 200,
        order: { status: 'CANCELLED', reason: 'BUYER' },
      })
    expect(await unitsLeft()).toBe(before + 1)
    expect(await reservation(buyer)).toMatchObject({ status: 'CANCELLED', reason: 'BUYER' })
    expect(await world.database.order.findUniqueOrThrow({ where: { id: buyer.orderId } })).toMatchObject({
      settledAt: expect.any(Date) as unknown,
    })
    expect(await open(buyer)).toMatchObject({
      status: 409,
      body: { code: 'NOT_PAYABLE', detail: expect.stringContaining('CANCELLED') as unknown },
    })
  })

  test('succeeds while Redis is unreachable, and leaves the release to the sweeper', async () => {
    const buyer = await ordered()
    expect(await cancel(buyer, degradedUrl)).toMatchObject({ status: 200, body: { status: 'CANCELLED' } })
    expect(await world.database.order.findUniqueOrThrow({ where: { id: buyer.orderId } })).toMatchObject({
      settledAt: null,
    })
    expect(await reservation(buyer)).toMatchObject({ status: 'ORDERED' })
  })
})

describe('the callback', () => {
  test('is accepted only with a valid and recent signature over its body', async () => {
    const buyer = await ordered()
    const body = await money(buyer)
    const old = signBody(PAYMENT_SECRET, body, Date.now() - 301_000)
    const early = signBody(PAYMENT_SECRET, body, Date.now() + 600_000)
    for (const signature of [
      undefined,
      '',
      'v1=00',
      old,
      early,
      signBody('x'.repeat(32), body),
      signBody(PAYMENT_SECRET, `${body} `),
    ]) {
      expect(await callback(body, signature), signature).toMatchObject({ status: 401, body: { code: 'BAD_SIGNATURE' } })
    }
    expect((await order(buyer)).body.status).toBe('PENDING_PAYMENT')
    expect(await signed(body)).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
  })

  test('repeated 20 times at once counts once', async () => {
    const buyer = await ordered()
    const body = await money(buyer)
    const outcomes = (await inParallel(20, 20, () => signed(body))).map((answer) => String(answer.body.outcome))
    expect(outcomes.toSorted()).toEqual([...Array<string>(19).fill('ALREADY_COUNTED'), 'PAID'])
    expect(await refunds(buyer.orderId)).toBe(0)
  })

  test('that is signed but malformed is 400, too large 413, compressed 415', async () => {
    const body = await money(await ordered())
    for (const wrong of [
      '',
      '{}',
      'null',
      'x',
      body.replace('1000', '"1000"'),
      body.replace('1000', '1000.5'),
      body.replace('{', '{"extra":1,'),
      body.replace('{', '{"__proto__":{},'),
    ]) {
      expect(await signed(wrong), wrong).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
    }
    expect((await signed('x'.repeat(17_000))).status).toBe(413)
    expect(
      (
        await call('POST', `${url}/payments/callback`, {
          body,
          headers: { 'content-encoding': 'gzip', 'Payment-Signature': signBody(PAYMENT_SECRET, body) },
        })
      ).status,
    ).toBe(415)
  })

  test('with another amount is 400, with an unknown payment or another order 404, and changes nothing', async () => {
    const buyer = await ordered()
    const stranger = await ordered()
    expect((await signed(await money(buyer, { amountCents: 999 }))).status).toBe(400)
    expect((await signed(await money(buyer, { paymentId: randomUUID() }))).status).toBe(404)
    expect((await signed(await money(buyer, { orderId: stranger.orderId }))).status).toBe(404)
    expect((await order(buyer)).body.status).toBe('PENDING_PAYMENT')
    expect((await order(stranger)).body.status).toBe('PENDING_PAYMENT')
  })

  test('for a cancelled order is accepted and causes one refund', async () => {
    const buyer = await ordered()
    const body = await money(buyer)
    await cancel(buyer)
    const outcomes = (await inParallel(10, 10, () => signed(body))).map((answer) => String(answer.body.outcome))
    expect(outcomes.toSorted()).toEqual([...Array<string>(9).fill('ALREADY_COUNTED'), 'REFUND_DUE'])
    expect(await refunds(buyer.orderId)).toBe(1)
    expect((await order(buyer)).body.status).toBe('CANCELLED')
  })

  test('counts while Redis is unreachable, and the next sweep settles it there', async () => {
    const buyer = await ordered()
    const body = await money(buyer)
    expect(await signed(body, degradedUrl)).toMatchObject({ status: 200, body: { outcome: 'PAID' } })
    expect(await reservation(buyer)).toMatchObject({ status: 'ORDERED' })
    expect(await settleEnded({ database: world.database, stock: world.stock, log })).toBeGreaterThan(0)
    expect(await reservation(buyer)).toMatchObject({ status: 'PAID' })
    expect(await signed(body)).toMatchObject({ status: 200, body: { outcome: 'ALREADY_COUNTED' } })
  })
})

test('races of payment and cancellation have one winner each, and each late payment one refund', async () => {
  const count = shortOrLong(50, 200)
  const buyers = await inParallel(count, 8, () => ordered())
  const before = (await unitsLeft()) ?? 0
  const races = await inParallel(count, 4, async (i) => {
    const buyer = buyers[i]
    if (!buyer) throw new Error(`No buyer ${i}`)
    const body = await money(buyer)
    const [paid, cancelled] =
      i % 2 === 0
        ? await Promise.all([signed(body), cancel(buyer)])
        : await Promise.all([cancel(buyer), signed(body)]).then(([cancelled, paid]) => [paid, cancelled] as const)
    return {
      paid: paid.body.outcome,
      cancelled: cancelled.status,
      status: (await order(buyer)).body.status,
      refunds: await refunds(buyer.orderId),
    }
  })
  const paidFirst = { paid: 'PAID', cancelled: 409, status: 'PAID', refunds: 0 }
  const cancelledFirst = { paid: 'REFUND_DUE', cancelled: 200, status: 'CANCELLED', refunds: 1 }
  for (const race of races) expect([paidFirst, cancelledFirst]).toContainEqual(race)
  expect(await unitsLeft()).toBe(before + races.filter((race) => race.status === 'CANCELLED').length)
})

describe('the reservations of a buyer', () => {
  const own = async (token: string, query = '', from = url) => {
    const { status, body } = await call('GET', `${from}/me/reservations${query}`, { token })
    expect(status).toBe(200)
    return OwnReservations.parse(body)
  }
  const tombstone = (buyerId: string, i: number) => ({
    reservationId: `${SALE}.${i}${randomBytes(16).toString('base64url').slice(1)}`,
    saleId: SALE,
    buyerId,
    quantity: 1,
    limitPerBuyer: 1,
    liveUnitsBefore: 0,
    outcome: 'REJECTED' as const,
    reason: 'SOLD_OUT' as const,
    // Several at the same moment.
    reservedAt: new Date(1_790_000_000_000 + Math.floor(i / 3)),
  })

  test('an order and one that is not decided yet are listed, and nothing of other buyers', async () => {
    const { token, buyerId, orderId, reservationId } = await ordered()
    await ordered()
    expect(await own(token)).toEqual({
      reservations: [
        expect.objectContaining({ id: reservationId, status: 'ORDERED', orderId, title: 'A sale', amountCents: 1_000 }),
      ],
      isComplete: true,
    })
    const open = { saleId: SALE, reservationId: `${SALE}.${randomBytes(16).toString('base64url')}`, buyerId }
    await reserveOne(world.stock, { saleId: SALE, epoch: 1, total: 10 }, { ...open, key: 'another', limitPerBuyer: 2 })
    const both = await own(token)
    expect(both.reservations.map(({ id, status }) => [id, status])).toEqual([
      [open.reservationId, 'RESERVED'],
      [reservationId, 'ORDERED'],
    ])
    // Without Redis what is decided is told, and that something may be missing.
    const without = await own(token, '', degradedUrl)
    expect(without.isComplete).toBe(false)
    expect(without.reservations.map(({ id }) => id)).toEqual([reservationId])
  })

  test('they come page by page, none twice and none missing', async () => {
    const buyerId = `buyer-${randomUUID()}`
    const token = tokens.sign(buyerId)
    const made = Array.from({ length: 7 }, (_, i) => tombstone(buyerId, i))
    await world.database.decision.createMany({ data: made })
    const seen: string[] = []
    let next: string | undefined = ''
    for (let page = 0; next !== undefined && page < 5; page++) {
      const list: OwnReservations = await own(token, next === '' ? '?limit=2' : `?limit=2&cursor=${next}`)
      seen.push(...list.reservations.map(({ id }) => id))
      next = list.next
    }
    expect(seen).toHaveLength(7)
    expect(new Set(seen)).toEqual(new Set(made.map(({ reservationId }) => reservationId)))
    expect([...seen].reverse()).toEqual(made.map(({ reservationId }) => reservationId))
  })

  test('a stranger gets none, a wrong page is refused, and who asks too often waits', async () => {
    expect((await call('GET', `${url}/me/reservations`)).status).toBe(401)
    const token = tokens.sign(`buyer-${randomUUID()}`)
    for (const query of ['?limit=0', '?cursor=e30', '?cursor=WzFd'])
      expect((await call('GET', `${url}/me/reservations${query}`, { token })).status, query).toBe(400)
    const answers = await inParallel(100, 50, () => call('GET', `${url}/me/reservations`, { token }))
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10)
    const refused = answers.find(({ status }) => status === 429)
    expect(refused?.body.code).toBe('RATE_LIMITED')
    expect(refused?.body.retryAfterSeconds).toBeGreaterThan(0)
  })
})
