import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandArgs } from './bundles.ts'
import { startSystem, type System } from './support/system.ts'

/** Has one span of every trace. */
const traceStore = createServer((_req, res) => {
  const span = { spanID: 'a1', operationName: 'process x', startTime: 1_000_000, duration: 2_500, processID: 'p1' }
  res.end(JSON.stringify({ data: [{ spans: [span], processes: { p1: { serviceName: 'gateway' } } }] }))
})

let system: System
beforeAll(async () => {
  await new Promise<void>((resolve) => traceStore.listen(0, '127.0.0.1', resolve))
  const { port } = traceStore.address() as AddressInfo
  system = await startSystem({ TRACE_STORE_URL: `http://127.0.0.1:${port}` }, [
    'order-service',
    'gateway',
    'control-room',
  ])
})
afterAll(async () => {
  await system.close()
  traceStore.close()
})

const storyOf = (id: string) => system.controlRoom('GET', `/stories/${encodeURIComponent(id)}`)
const toldInTerminal = (...args: string[]) =>
  execa('node', [...commandArgs('story'), ...args], {
    env: {
      DATABASE_URL: system.world.databaseUrl,
      REDIS_URL: system.world.redisUrl,
      REDIS_KEY_PREFIX: system.world.keyPrefix,
      TRACE_STORE_URL: system.env.TRACE_STORE_URL,
    },
    reject: false,
  })

test('a reservation is told before and after it becomes an order, on the page and in the terminal', async () => {
  const token = await system.signIn('Ada Lovelace')
  const saleId = await system.createSale()
  await system.stop('order-service')
  const reservationId = (await system.buyUntilAvailable(saleId, token)).body.id as string
  expect(await storyOf(reservationId)).toMatchObject({
    status: 200,
    body: {
      stories: [
        {
          reservationId,
          orderId: null,
          steps: [
            { service: 'gateway' },
            { service: 'order-service', says: { zh: '正在等待：订单服务既没有下单，也没有拒绝它。' } },
          ],
        },
      ],
    },
  })
  expect((await toldInTerminal(reservationId)).stdout).toContain('It waits: the order service')

  await system.start('order-service')
  const { orderId } = await system.settled(reservationId, token)
  expect(await storyOf(orderId as string)).toMatchObject({
    status: 200,
    body: { stories: [{ reservationId, orderId }] },
  })
  const { exitCode, stdout } = await toldInTerminal(reservationId, '--lang', 'zh')
  expect(exitCode).toBe(0)
  expect(stdout).toContain(`成为订单 ${String(orderId)}`)
})

test('an id that is not on record is not found', async () => {
  expect(await storyOf('nothing-like-it')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  expect(await toldInTerminal('nothing-like-it')).toMatchObject({
    exitCode: 1,
    stderr: 'There is no reservation, order or buyer "nothing-like-it" on record.',
  })
  expect(await storyOf('a'.repeat(256))).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
})

test('where traces are stored, a story has the spans of its trace; where the store is away, it is told without', async () => {
  const token = await system.signIn('Grace Hopper')
  const reservationId = (await system.buyUntilAvailable(await system.createSale(), token)).body.id as string
  const span = { at: '1970-01-01T00:00:01.000Z', ms: 2.5, service: 'gateway', name: 'process x', failed: false }
  expect(await storyOf(reservationId)).toMatchObject({
    status: 200,
    body: { stories: [{ reservationId, trace: { spans: [{ ...span, depth: 0 }] } }] },
  })
  expect((await toldInTerminal(reservationId)).stdout).toContain('process x (2.5 ms)')
  traceStore.closeAllConnections()
  traceStore.close()
  const { status, body } = await storyOf(reservationId)
  expect(status).toBe(200)
  expect(body).toMatchObject({ stories: [{ reservationId }] })
  expect(JSON.stringify(body)).not.toContain('spans')
  const told = await toldInTerminal(reservationId)
  expect(told).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(reservationId) as string })
  expect(told.stdout).not.toContain('process x')
})
