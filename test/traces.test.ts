import { afterAll, beforeAll, expect, test } from 'vitest'
import { rootOf, traceIdOf } from '../core/contracts/trace-context.ts'
import { Closers } from '../core/platform/process/closers.ts'
import { createLog } from '../core/platform/process/log.ts'
import { startTracing } from '../core/platform/tracing/start-tracing.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { startSystem, type System } from './support/system.ts'
import { type ReceivedSpan, startTraceStore } from './support/trace-store.ts'

const SERVER = 2
const CONSUMER = 5
const FAILED = 2
const CALLER = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) }

const log = createLog('test', 'silent')
let closers = new Closers(log)
let store: Awaited<ReturnType<typeof startTraceStore>>
let system: System
beforeAll(async () => {
  store = await startTraceStore()
  await trace({ TRACE_SAMPLE_RATE: 1 })
  // An order lapses as soon as a cancel worker takes its timeout message: its sweepers are as good as off.
  system = await startSystem({ PAYMENT_WINDOW_SECONDS: '1', SWEEP_INTERVAL_SECONDS: '3600' })
  await system.start('subscribers')
})
afterAll(async () => {
  await system.close()
  await closers.closeAll()
  store.close()
})

/** All services run in this process, and share its tracer. */
async function trace(settings: { TRACE_SAMPLE_RATE: number; TRACE_SLOW_MS?: number }): Promise<void> {
  await closers.closeAll()
  closers = new Closers(log)
  const config = { OTEL_EXPORTER_OTLP_ENDPOINT: store.url, TRACE_SLOW_MS: 3_600_000, ...settings }
  await startTracing('shop', config, log, closers)
}

/** Once all of them have come. */
async function spansOf(reservationId: string, names: string[]): Promise<ReceivedSpan[]> {
  const traceId = traceIdOf(reservationId)
  return await eventually(
    `spans ${names.join(', ')}`,
    () => store.spans.filter((span) => span.traceId === traceId),
    (spans) => names.every((name) => spans.some((span) => span.name === name)),
  )
}
const named = (spans: ReceivedSpan[], name: string) => spans.find((span) => span.name === name)
const openPayment = (orderId: unknown, token: string) =>
  call('POST', system.url(`/orders/${String(orderId)}/payments`), { token })
const pay = (url: unknown) => call('POST', String(url), { headers: { accept: 'application/json' } })

const INTAKE = 'process seckill.intake'
const LAPSED = 'process seckill.cancellations'
const CALLBACK = 'POST /payments/callback'

test('one trace goes from the purchase through every service to its cancellation and refund', async () => {
  const saleId = await system.createSale()
  await system.stop('cancel-worker')
  const token = await system.signIn('late payer')
  const { traceId, spanId } = CALLER
  const bought = await system.buy(saleId, token, {}, { traceparent: `00-${traceId}-${spanId}-01` })
  const reservationId = String(bought.body.id)
  const { orderId } = await system.settled(reservationId, token, ['ORDERED'])
  const payment = await openPayment(orderId, token)
  await system.start('cancel-worker')
  await system.settled(reservationId, token, ['CANCELLED'])
  await pay(payment.body.url)

  const names = [
    'POST /sales/:saleId/reservations',
    'reserve.lua redis',
    'send seckill.intake',
    INTAKE,
    'send order.created',
    'process order.created by sms',
    'process order.created by statistics',
    'POST /orders/:orderId/payments',
    'create payment link',
    LAPSED,
    'send order.cancelled',
    'process order.cancelled by statistics',
    CALLBACK,
    'send refund',
  ]
  const spans = await spansOf(reservationId, names)
  const parentOf = (name: string) => spans.find((span) => span.spanId === named(spans, name)?.parentSpanId)?.name
  const [root] = names
  expect(Object.fromEntries(names.map((name) => [name, parentOf(name)]))).toEqual({
    ...Object.fromEntries(names.map((name) => [name, root])),
    'POST /sales/:saleId/reservations': undefined,
    'process order.created by sms': 'send order.created',
    'process order.created by statistics': 'send order.created',
    'process order.cancelled by statistics': 'send order.cancelled',
    'create payment link': 'POST /orders/:orderId/payments',
  })
  expect(named(spans, names[0] ?? '')).toMatchObject({
    ...rootOf(reservationId),
    service: 'shop',
    kind: SERVER,
    attributes: { 'http.request.method': 'POST', 'http.response.status_code': 202 },
    links: [CALLER],
  })
  expect(named(spans, INTAKE)).toMatchObject({
    kind: CONSUMER,
    attributes: {
      'messaging.system': 'rabbitmq',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'seckill.intake',
      'shop.outcome': 'ORDERED',
      'shop.order.id': orderId,
    },
  })
})

test('a batch links to the reservations, orders and events that it was about, which link back', async () => {
  const saleId = await system.createSale()
  const token = await system.signIn('quick payer')
  await system.stop('cancel-worker')
  const reservationId = String((await system.buyUntilAvailable(saleId, token)).body.id)
  const { orderId } = await system.settled(reservationId, token, ['ORDERED'])
  await pay((await openPayment(orderId, token)).body.url)
  await system.settled(reservationId, token, ['PAID'])
  const names = [INTAKE, 'send order.paid', 'process order.paid by points', 'process order.paid by risk', CALLBACK]
  const spans = await spansOf(reservationId, names)
  for (const name of names.filter((each) => each !== CALLBACK)) {
    const span = named(spans, name)
    const [link] = span?.links ?? []
    const batch = store.spans.find(({ spanId }) => spanId === link?.spanId)
    expect(batch?.links, name).toContainEqual({ traceId: span?.traceId, spanId: span?.parentSpanId })
    expect(batch?.traceId, name).not.toBe(span?.traceId)
    expect(Number(batch?.attributes['messaging.batch.message_count']), name).toBeGreaterThan(0)
  }
  const batch = store.spans.find(({ spanId }) => spanId === named(spans, INTAKE)?.links[0]?.spanId)
  expect(store.spans.find(({ parentSpanId }) => parentSpanId === batch?.spanId)?.name).toBe('place orders postgresql')
  // The gateway's part of a request that it has forwarded is a trace of its own, of a stranger.
  expect(named(spans, CALLBACK)?.links).toHaveLength(1)
  await system.start('cancel-worker')
})

test('with a rate of 0 only failures are exported, and slow work', async () => {
  await trace({ TRACE_SAMPLE_RATE: 0 })
  const saleId = await system.createSale()
  const token = await system.signIn('buyer')
  const quiet = String((await system.buyUntilAvailable(saleId, token)).body.id)
  await system.settled(quiet, token, ['ORDERED', 'CANCELLED'])
  store.spans.length = 0
  await system.stop('order-service')
  expect((await call('GET', system.url('/orders/1'), { token })).status).toBe(503)
  await eventually(
    'the failure',
    () => store.spans.find(({ attributes }) => attributes['http.response.status_code'] === 503),
    (failed) => failed?.status.code === FAILED,
  )

  await trace({ TRACE_SAMPLE_RATE: 0, TRACE_SLOW_MS: 0 })
  const other = await system.signIn('another buyer')
  const slow = String((await system.buyUntilAvailable(saleId, other)).body.id)
  await spansOf(slow, ['POST /sales/:saleId/reservations', 'reserve.lua redis', 'send seckill.intake'])
  expect(store.spans.filter(({ traceId }) => traceId === traceIdOf(quiet))).toEqual([])
})
