/**
 * Plays faults against the shop of the checkout in which this file stands, and prints what happened, one JSON object
 * a line. LAB_SERVERS has the servers, LAB_FAULTS says which.
 */
import type { TestServers } from '../../test/servers.ts'
import { eventually } from '../../test/support/eventually.ts'
import { makeWorld } from '../../test/support/make-world.ts'
import { startSystemIn } from '../../test/support/start-system.ts'
import { startTcpProxy } from '../../test/support/tcp-proxy.ts'
import { type Entry, FAULTS, type Fault } from './entry.ts'
import { Rush } from './rush.ts'

const BUYERS = 4

const world = await makeWorld(JSON.parse(process.env.LAB_SERVERS ?? '') as TestServers)
const broker = new URL(world.rabbitmqUrl)
const proxy = await startTcpProxy({ host: broker.hostname, port: Number(broker.port) })
broker.port = String(proxy.port)
const system = await startSystemIn(world, {}, ['payment-provider', 'order-service', 'cancel-worker', 'control-room'])
await system.start('gateway', { RABBITMQ_URL: broker.href })
await eventually(
  'the gateway to be connected',
  () => fetch(system.url('/readyz')).then((answer) => answer.status),
  (status) => status === 200,
)

const play: Record<Fault, (rush: Rush) => Promise<void>> = {
  none: (rush) => rush.buy(BUYERS),
  'above-stock': (rush) => rush.buy(3 * BUYERS),
  async 'paid-twice'(rush) {
    await rush.buy(BUYERS)
    await rush.pay(2)
  },
  async 'paid-and-cancelled'(rush) {
    await rush.buy(BUYERS)
    await rush.pay(1)
    await rush.cancel()
  },
  async 'broker-gone'(rush) {
    proxy.cut()
    await rush.buy(BUYERS)
    proxy.restore()
  },
}
const tell = (entry: Entry) => process.stdout.write(`${JSON.stringify(entry)}\n`)
for (const fault of FAULTS.filter((each) => (process.env.LAB_FAULTS ?? '').split(',').includes(each))) {
  const stock = fault === 'above-stock' ? BUYERS : 2 * BUYERS
  const rush = new Rush(system, fault, await system.createSale({ stock }), tell)
  await play[fault](rush)
  await rush.audit()
}
await system.close()
await proxy.close()
process.exit(0)
