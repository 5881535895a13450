import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { DEAD_LETTERS, INTAKE, intakeTopology } from '../../core/contracts/topology.ts'
import { listDeadLetters } from '../../core/dead-letters/queue.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { BrokerUnreachable, createDepthReader } from '../../core/platform/rabbit/depth-reader.ts'
import { createPublisher } from '../../core/platform/rabbit/publisher.ts'
import { Crowd } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/http-client.ts'
import { type OwnBroker, startOwnBroker } from '../support/own-broker.ts'
import { publishTo } from '../support/queues.ts'
import { startSystem, type System } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'

let broker: OwnBroker
let system: System | undefined
beforeAll(async () => {
  broker = await startOwnBroker()
})
afterEach(async () => {
  await system?.close()
  system = undefined
})
afterAll(() => broker.close())

/** No memory is little enough; 0.4 of the machine's is the default. */
async function raiseMemoryAlarm(isOn: boolean): Promise<void> {
  await broker.ctl('set_vm_memory_high_watermark', isOn ? '0' : '0.4')
  await eventually(
    `the alarm to be ${isOn ? 'on' : 'off'}`,
    () => broker.api('GET', 'health/checks/alarms'),
    ({ status }) => status === (isOn ? 503 : 200),
  )
}

test('RabbitMQ memory or disk alarm: buyers reserve up to the bound, then get BUSY', async () => {
  system = await startSystem({ RABBITMQ_URL: await broker.createVirtualHost(), MAX_PENDING: '20' })
  const saleId = await system.createSale({ stock: 100 })
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(5)
  expect(await crowd.ends()).toEqual(['ORDERED'])
  const nothingPending = () =>
    eventually(
      'nothing to be pending',
      () => system?.world.stock.countPending(saleId),
      (count) => count === 0,
    )
  await nothingPending()

  await raiseMemoryAlarm(true)
  const during = await crowd.comeInTurn(40)
  expect(during.filter(({ status }) => status === 202)).toHaveLength(20)
  expect(
    new Set(
      during
        .filter(({ status }) => status !== 202)
        .map(({ status, body, headers }) => `${status} ${String(body.code)} ${headers.get('retry-after')}`),
    ),
  ).toEqual(new Set(['503 BUSY 2']))
  expect(await system.world.stock.readSale(saleId)).toMatchObject({ left: 75 })
  const metrics = async () => String((await call('GET', system?.url('/metrics') ?? '')).body.text)
  expect(await metrics()).toMatch(/^seckill_publisher_blocked\{publisher="gateway".*\} 1$/m)

  await raiseMemoryAlarm(false)
  expect(await crowd.ends()).toEqual(['ORDERED'])
  await nothingPending()
  expect(await metrics()).toMatch(/^seckill_publisher_blocked\{publisher="gateway".*\} 0$/m)
  expect((await crowd.comeInTurn(15)).every(({ status }) => status === 202)).toBe(true)
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: 40, redisLeft: 60, pending: 0 }],
  })
})

test('a publisher that the broker has blocked sends nothing, and becomes ready again by itself', async () => {
  const publisher = await createPublisher({
    url: await broker.createVirtualHost(),
    name: 'test',
    log: createLog('test', 'silent'),
    topology: intakeTopology(100),
    confirmTimeoutMs: 20_000,
  })
  const publish = () =>
    publisher.publish({ exchange: 'seckill.intake', routingKey: 'seckill.intake', messageId: 'm', body: {} })
  await eventually('a confirm', publish, (outcome) => outcome === 'CONFIRMED')
  await raiseMemoryAlarm(true)
  // The broker sends connection.blocked with the first message.
  const first = publish()
  await eventually(
    'the publisher to know',
    () => publisher.isReady(),
    (isReady) => !isReady,
  )
  expect(await publish()).toBe('UNKNOWN')
  await raiseMemoryAlarm(false)
  expect(await first).toBe('CONFIRMED')
  await eventually('a confirm', publish, (outcome) => outcome === 'CONFIRMED')
  await publisher.close()
})

test('dead letters that find no room stay in their source queue, and arrive once there is room', async () => {
  // By default the broker retries after three minutes.
  await broker.ctl('eval', 'application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 500).')
  const url = await broker.createVirtualHost()
  const small = `policies/${new URL(url).pathname.slice(1)}/small`
  await broker.api('PUT', small, {
    pattern: `^${DEAD_LETTERS}$`,
    definition: { 'max-length': 3 },
    'apply-to': 'queues',
  })
  system = await startSystem({ RABBITMQ_URL: url })
  const saleId = await system.createSale({ stock: 5 })
  const letters = () => listDeadLetters({ url, log: createLog('test', 'silent') }, 100)
  const poison = Array.from({ length: 30 }, (_, i) => `poison ${i}`)
  await publishTo({ rabbitmqUrl: url }, INTAKE, INTAKE, ...poison)
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(5)
  expect(await crowd.ends()).toEqual(['ORDERED'])
  expect((await letters()).count).toBeLessThan(30)

  await broker.api('DELETE', small)
  const { letters: all } = await eventually('all dead letters', letters, ({ count }) => count >= 30)
  expect(new Set(all.map(({ beginning }) => beginning))).toEqual(new Set(poison))
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 5 }] })
})

test('a queue whose leader does not answer is not counted as empty', async () => {
  const url = await broker.createVirtualHost()
  const publisher = await createPublisher({
    url,
    name: 'counted',
    log: createLog('test', 'silent'),
    topology: intakeTopology(100),
    confirmTimeoutMs: 20_000,
  })
  const publish = () => publisher.publish({ exchange: INTAKE, routingKey: INTAKE, messageId: 'm', body: {} })
  await eventually('a confirm', publish, (outcome) => outcome === 'CONFIRMED')
  const { depths, close } = createDepthReader(url)
  const process = `{'${new URL(url).pathname.slice(1)}_${INTAKE}', node()}`
  await broker.ctl('eval', `sys:suspend(${process}).`)
  await expect(depths([INTAKE])).rejects.toThrow(BrokerUnreachable)
  await broker.ctl('eval', `sys:resume(${process}).`)
  expect(await depths([INTAKE])).toEqual([1])
  await close()
  await publisher.close()
})

test('RabbitMQ killed and restarted during a sale: what was accepted becomes orders, each once', async () => {
  const rounds = shortOrLong(1, 3)
  const units = 200 * rounds
  system = await startSystem({ RABBITMQ_URL: await broker.createVirtualHost() })
  const saleId = await system.createSale({ stock: units })
  const crowd = new Crowd(system, saleId)
  // RabbitMQ answers a declaration before the queue's name is on the disk; killed before that, it comes back without
  // the queue and what the queue has confirmed.
  await broker.ctl('eval', '[dets:sync(Table) || Table <- dets:all()], mnesia:sync_log().')
  for (let round = 1; round <= rounds; round++) {
    const load = crowd.comeInTurn(200)
    await eventually(
      'a part of the load',
      () => crowd.answers.length,
      (count) => count >= 200 * round - 150,
    )
    await broker.kill()
    await load
    await broker.restart()
    await eventually(
      'orders after that',
      () => system?.world.database.order.count({ where: { saleId } }),
      (count = 0) => count >= 200 * round - 100,
    )
  }
  expect(crowd.accepted).toHaveLength(units)
  expect(await crowd.ends()).toEqual(['ORDERED'])
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ sold: units, redisLeft: 0, pending: 0 }],
  })
})
