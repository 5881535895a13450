import { afterEach, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import { Crowd } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { startSystem, type System } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const ROUNDS = shortOrLong(2, 5)

let system: System
afterEach(() => system.close())

test('the broker closes connections repeatedly: unconfirmed is resent, and nothing is sold twice', async () => {
  system = await startSystem()
  const saleId = await system.createSale({ stock: 100 * ROUNDS })
  const crowd = new Crowd(system, saleId)
  const closeAll = async () => {
    const connections = (await (await system.world.broker('GET', 'vhosts/%VHOST%/connections')).json()) as {
      name: string
    }[]
    const closed = await Promise.all(
      connections.map(({ name }) => system.world.broker('DELETE', `connections/${encodeURIComponent(name)}`)),
    )
    return closed.filter(({ status }) => status === 204).length
  }
  for (let round = 1; round <= ROUNDS; round++) {
    const load = crowd.comeInTurn(100)
    await eventually(
      'half of the load',
      () => crowd.answers.length,
      (count) => count >= 100 * round - 50,
    )
    // The broker lists a connection some moments after it was made.
    await eventually('connections to close', closeAll, (closed) => closed > 0)
    await load
  }
  expect(crowd.accepted).toHaveLength(100 * ROUNDS)
  expect(await crowd.ends()).toEqual(['ORDERED'])
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: 100 * ROUNDS, redisLeft: 0, pending: 0 }],
  })
})

test.each([
  ['binding', `bindings/%VHOST%/e/${INTAKE}/q/${INTAKE}/${INTAKE}`],
  ['queue', `queues/%VHOST%/${INTAKE}`],
  ['exchange', `exchanges/%VHOST%/${INTAKE}`],
])(
  'unroutable message because the %s was deleted: the buyer gets BUSY, and selling recovers by itself',
  async (_, path) => {
    system = await startSystem()
    const saleId = await system.createSale({ stock: 50 })
    const crowd = new Crowd(system, saleId)
    await crowd.comeInTurn(5)
    expect(await crowd.ends()).toEqual(['ORDERED'])
    expect((await system.world.broker('DELETE', path)).status).toBe(204)
    await eventually(
      'a purchase after that',
      () => crowd.comeInTurn(1),
      ([answer]) => answer?.status === 202,
    )
    await crowd.comeInTurn(10)
    expect(await crowd.ends()).toEqual(['ORDERED'])
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: crowd.accepted.length, redisLeft: 50 - crowd.accepted.length }],
    })
  },
)

test('services that start without the broker report that they are not ready, and sell once it is up', async () => {
  system = await startSystem({}, ['payment-provider', 'control-room'])
  const broker = new URL(system.world.rabbitmqUrl)
  const proxy = await startTcpProxy({ host: broker.hostname, port: Number(broker.port) })
  broker.port = String(proxy.port)
  proxy.cut()
  try {
    const started = ['order-service', 'cancel-worker', 'gateway'] as const
    const [orderService, cancelWorker] = await Promise.all(
      started.map((name) => system.start(name, { RABBITMQ_URL: broker.href })),
    )
    const problems = [{ check: 'broker', code: 'AWAY', detail: 'The broker does not answer.' }]
    const notReady = { ready: false, database: true, redis: true, broker: false, loops: true, problems }
    const readiness = () =>
      Promise.all(
        [orderService, cancelWorker].map(
          async (service) => (await call('GET', `http://127.0.0.1:${service?.port}/readyz`)).body,
        ),
      )
    expect(await readiness()).toEqual([{ ...notReady, provider: true, clock: true }, notReady])
    const crowd = new Crowd(system, await system.createSale({ stock: 3 }))
    await crowd.comeInTurn(1)
    proxy.restore()
    await eventually('both to be ready', readiness, (states) => states.every((state) => state.ready))
    await crowd.comeInTurn(2)
    expect(await crowd.ends()).toEqual(['ORDERED'])
    expect(await system.auditAtRest()).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 0 }] })
  } finally {
    for (const name of ['gateway', 'cancel-worker', 'order-service'] as const) await system.stop(name)
    await proxy.close()
  }
})
