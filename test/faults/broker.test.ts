import { afterEach, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { Rush } from '../support/rush.ts'
import { startSystem, type System } from '../support/system.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

let system: System
afterEach(() => system.close())

test('the broker closes connections repeatedly: unconfirmed is resent, and nothing is sold twice', async () => {
  system = await startSystem()
  const saleId = await system.createSale({ stock: 300 })
  const rush = await Rush.of(system, saleId, 300)
  const closeAll = async () => {
    const connections = (await (await system.world.broker('GET', 'vhosts/%VHOST%/connections')).json()) as {
      name: string
    }[]
    const closed = await Promise.all(
      connections.map(({ name }) => system.world.broker('DELETE', `connections/${encodeURIComponent(name)}`)),
    )
    return closed.filter(({ status }) => status === 204).length
  }
  for (let round = 1; round <= 3; round++) {
    const load = rush.run(100)
    await eventually(
      'half of the load',
      () => rush.attempts.length,
      (count) => count >= 100 * round - 50,
    )
    // The broker lists a connection some moments after it was made.
    await eventually('connections to close', closeAll, (closed) => closed > 0)
    await load
  }
  expect(rush.accepted).toHaveLength(300)
  expect(await rush.ends()).toEqual(['ORDERED'])
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: 300, redisLeft: 0, pending: 0 }],
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
    const rush = await Rush.of(system, saleId, 50)
    await rush.run(5)
    expect(await rush.ends()).toEqual(['ORDERED'])
    expect((await system.world.broker('DELETE', path)).status).toBe(204)
    await eventually(
      'a purchase after that',
      () => rush.run(1),
      ([attempt]) => attempt?.status === 202,
    )
    await rush.run(10)
    expect(await rush.ends()).toEqual(['ORDERED'])
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: rush.accepted.length, redisLeft: 50 - rush.accepted.length }],
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
    const rush = await Rush.of(system, await system.createSale({ stock: 3 }), 3)
    await rush.run(1)
    proxy.restore()
    await eventually('both to be ready', readiness, (states) => states.every((state) => state.ready))
    await rush.run(2)
    expect(await rush.ends()).toEqual(['ORDERED'])
    expect(await system.auditAtRest()).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 0 }] })
  } finally {
    for (const name of ['gateway', 'cancel-worker', 'order-service'] as const) await system.stop(name)
    await proxy.close()
  }
})
