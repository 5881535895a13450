import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DEAD_LETTERS, INTAKE } from '../../core/contracts/topology.ts'
import { DUE, TIMEOUTS } from '../../core/contracts/timeout-topology.ts'
import { listDeadLetters, sendBack } from '../../core/dead-letters/queue.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { eventually } from '../support/eventually.ts'
import { batchOf, lengthOf, publishTo } from '../support/queues.ts'
import { startSystem, type System } from '../support/system.ts'

let system: System
// The sweeper is practically off: the timeout message must cancel.
beforeAll(async () => {
  system = await startSystem({ SWEEP_INTERVAL_SECONDS: '3600' })
})
beforeEach(async () => {
  await system.world.broker('DELETE', `queues/%VHOST%/${DEAD_LETTERS}/contents`)
})
afterAll(async () => {
  await system.close()
})

const broker = () => ({ url: system.world.rabbitmqUrl, log: createLog('test', 'silent') })
const deadLetters = () => listDeadLetters(broker(), 10)

test('poison (not JSON, wrong version, 1 MB) becomes a dead letter, other messages become orders', async () => {
  const saleId = await system.createSale({ stock: 4 })
  const good = (i: number) => ({
    reservationId: `${saleId}.${String(i).repeat(22)}`,
    saleId,
    buyerId: `neighbour-${i}`,
    quantity: 1,
    epoch: 1,
    reservedAtMs: Date.now(),
  })
  const wrongVersion = batchOf(good(9)).replace('"v":2', '"v":3')
  await publishTo(
    system.world,
    INTAKE,
    INTAKE,
    batchOf(good(1)),
    'not json',
    batchOf(good(2), { ...good(8), quantity: 0 }, good(3)),
    wrongVersion,
    'x'.repeat(1_000_000),
    batchOf(good(4)),
  )
  await eventually(
    'four orders',
    () => system.world.database.order.count({ where: { saleId } }),
    (count) => count === 4,
  )
  const { letters } = await eventually('four dead letters', deadLetters, ({ count }) => count === 4)
  expect(letters.map(({ queue, reason }) => `${queue} ${reason}`)).toEqual(Array(4).fill(`${INTAKE} unreadable`))
  const whys = new Map(letters.map(({ bytes, why }) => [bytes, why]))
  expect(whys.get(8)).toBe('expected JSON, got 8 bytes that are not')
  expect(whys.get(1_000_000)).toBe('expected JSON, got 1000000 bytes that are not')
  expect(whys.get(wrongVersion.length)).toContain('expected 2')
  expect([...whys.values()].some((why) => why?.startsWith('entry 2 of 3:') && why.includes('quantity'))).toBe(true)
  expect(await lengthOf(system.world, INTAKE)).toBe(0)
  const sold = await system.createSale({ stock: 1 })
  const token = await system.signIn('a buyer after that')
  await system.settled(String((await system.buyUntilAvailable(sold, token)).body.id), token)
  expect(await system.auditAtRest(sold)).toMatchObject({ balanced: true, sales: [{ sold: 1 }] })
})

test('a reservation that PostgreSQL rejects does not affect the others of its message', async () => {
  const saleId = await system.createSale({ stock: 70 })
  const good = (i: number) => ({
    reservationId: `${saleId}.${String(i).padStart(22, '0')}`,
    saleId,
    buyerId: `neighbour-${i}`,
    quantity: 1,
    epoch: 1,
    reservedAtMs: Date.now(),
  })
  const combined = (from: number) => Array.from({ length: 20 }, (_, i) => good(from + i))
  // A character that JSON and our schema know and PostgreSQL cannot store.
  const refused = { ...good(99), buyerId: 'nobody\u0000' }
  await publishTo(
    system.world,
    INTAKE,
    INTAKE,
    batchOf(...combined(0)),
    batchOf(...combined(20), refused, ...combined(40)),
    batchOf(good(60)),
  )
  await eventually(
    "the others' orders",
    () => system.world.database.order.count({ where: { saleId } }),
    (count) => count === 61,
  )
  const {
    letters: [letter],
  } = await eventually('one dead letter', deadLetters, ({ count }) => count === 1)
  expect(letter).toMatchObject({ queue: INTAKE, reason: 'refused' })
  expect(letter?.why).toContain('0x00')
  expect(await lengthOf(system.world, INTAKE)).toBe(0)

  // Sent back unchanged, it meets the decisions of the others.
  expect((await sendBack(broker(), { ids: [letter?.id ?? ''] })).sent).toHaveLength(1)
  await eventually(
    'the dead letter again',
    deadLetters,
    ({ count, letters }) => count === 1 && letters[0]?.id !== letter?.id,
  )
  expect((await system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })).sold).toBe(61)
})

test('an order lapses although its timeout message has an unreadable part', async () => {
  const saleId = await system.createSale({ stock: 1 })
  const token = await system.signIn('dreamer')
  const { body } = await system.buy(saleId, token)
  const { orderId } = await system.settled(String(body.id), token)
  await system.world.database.order.update({
    where: { id: String(orderId) },
    data: { paymentDeadline: new Date(Date.now() - 1_000) },
  })
  await publishTo(system.world, TIMEOUTS, DUE, JSON.stringify({ v: 2, orderIds: ['no id', orderId] }))
  expect(await system.settled(String(body.id), token, ['CANCELLED'])).toMatchObject({ reason: 'UNPAID' })
  await eventually(
    'the dead letter',
    () => lengthOf(system.world, DEAD_LETTERS),
    (length) => length === 1,
  )
})
