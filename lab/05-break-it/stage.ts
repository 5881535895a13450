import { eventually } from '../../test/support/eventually.ts'
import { openWorld, type World, type WorldAddress } from '../../test/support/make-world.ts'
import { type ServiceName, startSystemIn, type System } from '../../test/support/start-system.ts'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'

/** A shop with what the faults need of it. */
export interface Stage {
  world: World
  system: System
  /** A sale in which nothing goes wrong. */
  calmSale: string
  /** Between the gateway and the broker. */
  gatewayToBroker: TcpProxy
  /** Between the order service and the broker. */
  ordersToBroker: TcpProxy
  /** Between the order service and PostgreSQL. */
  ordersToDatabase: TcpProxy
  startOrderService: () => Promise<void>
  close: () => Promise<void>
}

/**
 * One partition, so that an event that is handled shows that all before it were; two paid sales a minute are a veto.
 */
const SETTINGS = { SUBSCRIBERS: 'points,risk,saga', SUBSCRIBER_PARTITIONS: '1', RISK_PAID_PER_MINUTE_MAX: '1' }
const UNTOUCHED: ServiceName[] = ['payment-provider', 'cancel-worker', 'control-room', 'subscribers']

export async function setStage(address: WorldAddress): Promise<Stage> {
  const world = await openWorld(address)
  const [gatewayToBroker, ordersToBroker, ordersToDatabase] = await Promise.all([
    proxyTo(world.rabbitmqUrl),
    proxyTo(world.rabbitmqUrl),
    proxyTo(world.databaseUrl),
  ])
  const system = await startSystemIn(world, SETTINGS, UNTOUCHED)
  const startOrderService = async () => {
    await system.start('order-service', { RABBITMQ_URL: ordersToBroker.url, DATABASE_URL: ordersToDatabase.url })
    await ready(String(system.env.ORDER_SERVICE_URL))
  }
  await startOrderService()
  await system.start('gateway', { RABBITMQ_URL: gatewayToBroker.url })
  await ready(String(system.env.GATEWAY_URL))
  return {
    world,
    system,
    calmSale: await system.createSale({ stock: 100_000 }),
    gatewayToBroker,
    ordersToBroker,
    ordersToDatabase,
    startOrderService,
    async close() {
      await system.close()
      for (const proxy of [gatewayToBroker, ordersToBroker, ordersToDatabase]) await proxy.close()
    },
  }
}

async function proxyTo(url: string): Promise<TcpProxy & { url: string }> {
  const target = new URL(url)
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) })
  target.port = String(proxy.port)
  return Object.assign(proxy, { url: target.href })
}

const ready = (origin: string) =>
  eventually(
    `${origin} to be ready`,
    () => fetch(`${origin}/readyz`).then((answer) => answer.status),
    (status) => status === 200,
  )
