import { randomUUID } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { eventually } from './support/eventually.ts'
import { call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.ts'
import { shortOrLong } from './support/thoroughness.ts'

let system: System
let proxy: TcpProxy
afterEach(async () => {
  await system.close()
  await proxy.close()
})

/*
 * A killed server closes its connections, a frozen one leaves them open, and its own time limits do not help then. The
 * client needs heartbeats (RabbitMQ proposes 60 s; two misses outlast a reservation), a query time limit (PostgreSQL)
 * and a socket time limit (Redis), or its pool runs dry without an error.
 */

/** The whole system, one of its servers behind a proxy. */
async function systemBehindProxy(server: 'REDIS_URL' | 'RABBITMQ_URL' | 'DATABASE_URL'): Promise<void> {
  system = await startSystem({}, [])
  const url = new URL(system.env[server] ?? '')
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  for (const service of ['payment-provider', 'control-room'] as const) await system.start(service)
  for (const service of ['order-service', 'cancel-worker', 'gateway'] as const)
    await system.start(service, { [server]: url.href })
  await eventually(
    'everything to be ready',
    () => fetch(`${system.env.ORDER_SERVICE_URL}/readyz`).then((answer) => answer.status),
    (status) => status === 200,
  )
}

let named = 0
async function buyOnce(saleId: string): Promise<{ status: number; id: string; token: string }> {
  const token = await system.signIn(`silent ${named++}`)
  const { status, body } = await system.buy(saleId, token)
  return { status, id: String(body.id), token }
}

test('when Redis falls silent on open connections, buyers hear 503 and soon buy again', async () => {
  await systemBehindProxy('REDIS_URL')
  const saleId = await system.createSale({ stock: 50 })
  expect((await buyOnce(saleId)).status).toBe(202)
  proxy.freeze()
  expect((await buyOnce(saleId)).status).toBe(503)
  await eventually(
    'a purchase',
    () => buyOnce(saleId),
    ({ status }) => status === 202,
    10_000,
  )
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('when the broker falls silent on open connections, what was accepted becomes orders within half a minute', async () => {
  await systemBehindProxy('RABBITMQ_URL')
  const saleId = await system.createSale({ stock: 50 })
  proxy.freeze()
  const bought = await inParallel(10, 10, () => buyOnce(saleId))
  expect(bought.map(({ status }) => status)).toEqual(Array<number>(10).fill(202))
  for (const { id, token } of bought) {
    const answer = await eventually(
      'an order',
      () => call('GET', system.url(`/reservations/${id}`), { token }),
      ({ body }) => body.status !== 'RESERVED',
      30_000,
    )
    expect(answer.body.status).toBe('ORDERED')
  }
})

test('when PostgreSQL falls silent on open connections, the order service gets new ones', async () => {
  await systemBehindProxy('DATABASE_URL')
  const saleId = await system.createSale({ stock: 50 })
  const token = await system.signIn('reader')
  const read = () => call('GET', system.url(`/orders/${randomUUID()}`), { token }).then((answer) => answer.status)
  for (let round = 0; round < shortOrLong(1, 3); round++) {
    await inParallel(10, 10, read)
    proxy.freeze()
    // As many requests as the pool may have connections; those it had open are silent.
    const statuses = await inParallel(10, 10, read)
    expect(statuses).toContain(503)
    expect(statuses.filter((status) => status !== 503 && status !== 404)).toEqual([])
  }
  await eventually('an answer', read, (status) => status === 404, 15_000)
  const { id, token: buyer } = await buyOnce(saleId)
  expect((await system.settled(id, buyer)).status).toBe('ORDERED')
})
