import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { intakeTopology } from '../../contracts/topology.ts'
import { createLog } from '../process/log.ts'
import { createDepthReader } from './depth-reader.ts'
import { createPublisher } from './publisher.ts'
import { visitBroker } from './visit-broker.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

/** More than the broker answers while a publisher connects and declares. */
const ANSWERS = 40

/**
 * Cut while it closes the channel of its set-up, amqplib waits for an answer that cannot come and does not reconnect.
 * One of some 500 random cuts hit that moment, so this cuts after every single answer of the broker.
 */
test('a connection that is cut at any moment of its set-up comes back', async () => {
  const comeBack = async (answers: number) => {
    const broker = new URL(world.rabbitmqUrl)
    const proxy = await startTcpProxy({ host: broker.hostname, port: Number(broker.port) })
    broker.port = String(proxy.port)
    proxy.cutAfter(answers)
    const publisher = await createPublisher({
      url: broker.href,
      name: `cut after ${answers}`,
      log: createLog('test', 'silent'),
      topology: intakeTopology(1_000),
      confirmTimeoutMs: 2_000,
    })
    const publish = () => {
      proxy.restore()
      return publisher.publish({ exchange: '', routingKey: 'seckill.intake', messageId: 'm', body: {} })
    }
    const outcome = await eventually(
      `a confirm after a cut at answer ${answers}`,
      publish,
      (seen) => seen === 'CONFIRMED',
    )
    await publisher.close()
    await proxy.close()
    return outcome
  }
  const outcomes = await Promise.all(Array.from({ length: ANSWERS }, (_, i) => comeBack(i + 1)))
  expect(new Set(outcomes)).toEqual(new Set(['CONFIRMED']))
})

test('of a list of nodes publishers and single visits take the next one when a connection is lost', async () => {
  const broker = new URL(world.rabbitmqUrl)
  const nodes = await Promise.all([1, 2].map(() => startTcpProxy({ host: broker.hostname, port: Number(broker.port) })))
  const url = nodes
    .map(({ port }) => {
      broker.port = String(port)
      return broker.href
    })
    .join(',')
  const log = createLog('test', 'silent')
  const publisher = await createPublisher({
    url,
    name: 'list',
    log,
    topology: intakeTopology(1_000),
    confirmTimeoutMs: 2_000,
  })
  const depths = createDepthReader(url)
  const works = async () => {
    const message = { exchange: '', routingKey: 'seckill.intake', messageId: 'm', body: {} }
    const confirmed = (await publisher.publish(message)) === 'CONFIRMED'
    const counted = await depths.depths(['seckill.intake']).catch(() => [0])
    return confirmed && (counted[0] ?? 0) > 0
  }
  let visits = 0
  for (const gone of nodes) {
    for (const node of nodes) node.restore()
    gone.cut()
    await eventually('publishing and counting by the other node', works, Boolean)
    // From a random one on: each of these may meet the node that is gone first.
    for (let i = 0; i < 10; i++) visits += await visitBroker(url, 'visit', log, async () => 1)
  }
  expect(visits).toBe(20)
  await publisher.close()
  await depths.close()
  await Promise.all(nodes.map((node) => node.close()))
})
