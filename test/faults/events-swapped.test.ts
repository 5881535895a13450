import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventTopology, merge } from '../../core/contracts/topology.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { cancelForBuyer } from '../../core/orders/transitions.ts'
import { receiveMoney } from '../../core/orders/receive-money.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { chooseDelayTransport, type DelayTransport } from '../../core/platform/rabbit/delay.ts'
import { createPublisher, type Publisher } from '../../core/platform/rabbit/publisher.ts'
import { relayOutbox } from '../../order-service/relay-outbox.ts'
import { eventually } from '../support/eventually.ts'
import { Ledger, reservation, rules } from '../support/ledger.ts'
import { recordOrderEvents } from '../support/order-events.ts'
import { inParallel } from '../support/parallel.ts'
import { createWorld, type World } from '../support/world.ts'

const ORDERS = 200
const log = createLog('test', 'silent')

let world: World
let delay: DelayTransport
beforeAll(async () => {
  world = await createWorld()
  delay = await chooseDelayTransport(world.rabbitmqUrl, 'queue', 3_600_000, log)
})
afterAll(() => world.close())

async function startRelay(): Promise<Publisher> {
  const publisher = await createPublisher({
    url: world.rabbitmqUrl,
    name: 'test',
    log,
    topology: merge(eventTopology, delay.topology),
    confirmTimeoutMs: 20_000,
  })
  await eventually(
    'the publisher',
    () => publisher.isReady(),
    (isReady) => isReady,
  )
  return publisher
}

test('with several relays at work the events of each order arrive once and in sequence', async () => {
  const ledger = new Ledger(world)
  const saleId = await ledger.sale(ORDERS)
  const listener = await recordOrderEvents(world)
  const relays = await Promise.all([startRelay(), startRelay(), startRelay()])
  let isOver = false
  const relaying = relays.map(async (publisher) => {
    while (!isOver) await relayOutbox({ database: world.database, publisher, delay, onRefused: () => {} })
  })

  await inParallel(ORDERS, 4, async (i) => {
    await placeOrders(world.database, [reservation(saleId, i)], rules)
    const { id } = await ledger.orderOf(`${saleId}.${i}`)
    await world.database.payment.create({ data: { id, orderId: id, amountCents: 500 } })
    if (i % 2 === 0)
      await receiveMoney(world.database, [{ paymentId: id, orderId: id, amountCents: 500, providerRef: id }])
    else await cancelForBuyer(world.database, id, `buyer-${i}`)
  })
  await eventually(
    'all events',
    () => listener.events.length,
    (count) => count >= 2 * ORDERS,
  )
  isOver = true
  await Promise.all(relaying)

  const histories = Array.from({ length: ORDERS }, (_, i) =>
    listener.events
      .filter(({ buyerId }) => buyerId === `buyer-${i}`)
      .map(({ sequence, type }) => `${sequence} ${type}`),
  )
  expect(histories).toEqual(
    Array.from({ length: ORDERS }, (_, i) => ['1 order.created', i % 2 === 0 ? '2 order.paid' : '2 order.cancelled']),
  )
  for (const publisher of relays) await publisher.close()
  await listener.close()
})
