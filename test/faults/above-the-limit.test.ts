import { afterAll, beforeAll, expect, test } from 'vitest'
import { INTAKE } from '../../core/contracts/topology.ts'
import { freePort } from '../../dev/servers/ports.ts'
import { eventually } from '../support/eventually.ts'
import { reservation } from '../support/ledger.ts'
import { batchOf, lengthOf, publishTo } from '../support/queues.ts'
import { startProcess } from '../support/service-process.ts'
import { startSystem, type System } from '../support/system.ts'

const LIMIT = 7
const RESERVATIONS = 100
const PROCESSES = 3

let system: System
beforeAll(async () => {
  system = await startSystem({}, ['control-room'])
})
afterAll(() => system.close())

test('reservations far above the limit of their buyer, each delivered twice to one of three processes: the orders end at the limit exactly', async () => {
  const saleId = await system.createSale({ stock: 1_000, perBuyerLimit: LIMIT })
  const reservations = Array.from({ length: RESERVATIONS }, (_, n) =>
    reservation(saleId, n, { buyerId: 'greedy', quantity: 1 + (n % 3) }),
  )
  const messages = Array.from({ length: RESERVATIONS / 5 }, (_, i) => batchOf(...reservations.slice(i * 5, i * 5 + 5)))
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, async () =>
      startProcess('order-service', {
        ...system.env,
        ORDER_SERVICE_PORT: String(await freePort()),
        ORDER_BATCH_MAX: '10',
      }),
    ),
  )
  await publishTo(system.world, INTAKE, INTAKE, ...messages, ...messages.toReversed())
  const { database } = system.world
  await eventually(
    'every reservation to be decided, and every message to be handled',
    async () => [await database.decision.count({ where: { saleId } }), await lengthOf(system.world, INTAKE)],
    ([decided, waiting]) => decided === RESERVATIONS && waiting === 0,
  )
  // They finish what is in hand.
  await Promise.all(processes.map((one) => one.terminate()))
  const orders = await database.order.findMany({ where: { saleId } })
  expect(orders.reduce((units, { quantity }) => units + quantity, 0)).toBe(LIMIT)
  expect((await database.sale.findUniqueOrThrow({ where: { id: saleId } })).sold).toBe(LIMIT)
  expect(await database.decision.count({ where: { saleId, reason: 'NOT_ELIGIBLE' } })).toBe(
    RESERVATIONS - orders.length,
  )
})
