import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceIdOf } from '../core/contracts/trace-context.ts'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { recordOrderEvents } from './support/order-events.ts'
import { type ServiceName, startSystem, type System } from './support/system.ts'

const ALL_SERVICES: ServiceName[] = [
  'payment-provider',
  'order-service',
  'cancel-worker',
  'control-room',
  'gateway',
  'subscribers',
]
let system: System
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sms-'))
  system = await startSystem({ SMS_LOG_FILE: join(folder, 'sms.log') }, ALL_SERVICES)
})
afterAll(async () => {
  await system.close()
  await rm(folder, { recursive: true })
})

async function buy(saleId: string, name: string) {
  const token = await system.signIn(name)
  const { body } = await system.buy(saleId, token)
  const { orderId } = await system.settled(String(body.id), token)
  return { token, orderId: String(orderId) }
}

test('a purchase, its payment and a cancellation are followed by every subscriber', async () => {
  const { database } = system.world
  const { events, close } = await recordOrderEvents(system.world)
  const saleId = await system.createSale()
  const paid = await buy(saleId, 'payer')
  const payment = await call('POST', system.url(`/orders/${paid.orderId}/payments`), { token: paid.token })
  await call('POST', String(payment.body.url), { headers: { accept: 'application/json' } })
  const cancelled = await buy(saleId, 'canceller')
  await call('POST', system.url(`/orders/${cancelled.orderId}/cancellation`), { token: cancelled.token })

  const totals = await eventually(
    'the figures',
    () => database.saleTotal.findUnique({ where: { saleId } }),
    (row) => row?.paid === 1 && row.cancelled === 1,
  )
  expect(totals).toMatchObject({ created: 2, revenueCents: 1_000n })
  expect(
    (
      await eventually(
        'the points',
        () => database.pointsEntry.findMany({ where: { saleId } }),
        (rows) => rows.length > 0,
      )
    ).map(({ orderId, points }) => ({ orderId, points })),
  ).toEqual([{ orderId: paid.orderId, points: 10 }])
  await eventually(
    'the review',
    () => database.riskReview.count({ where: { orderId: paid.orderId } }),
    (count) => count === 1,
  )
  const file = join(folder, 'sms.log')
  const messages = await eventually(
    'four messages',
    () => (existsSync(file) ? readFileSync(file, 'utf8') : ''),
    (text) => text.trim().split('\n').length === 4,
  )
  expect(messages).toContain(`order ${paid.orderId} is paid`)

  const audited = async () => (await system.auditAtRest(saleId)).sales[0]?.checks.find(({ id }) => id === 6)
  await eventually('every subscriber to have come to the end', audited, (check) => check?.state === 'ok')

  const trace = (orderId: string) =>
    events.filter((event) => event.orderId === orderId).map(({ traceparent }) => traceparent.split('-')[1])
  const { reservationId } = await database.order.findUniqueOrThrow({ where: { id: paid.orderId } })
  expect(trace(paid.orderId)).toEqual(Array<string>(2).fill(traceIdOf(reservationId)))
  expect(events.find(({ type }) => type === 'order.created')).toMatchObject({
    v: 3,
    amountCents: 1_000,
    couponCode: null,
    points: 0,
  })
  await close()
})

test('while the subscribers are away the shop sells on, and they catch up', async () => {
  const saleId = await system.createSale()
  await system.stop('subscribers')
  await buy(saleId, 'lonely')
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
  await system.start('subscribers')
  const totals = await eventually(
    'the figures',
    () => system.world.database.saleTotal.findUnique({ where: { saleId } }),
    (row) => row !== null,
  )
  expect(totals?.created).toBe(1)
})
