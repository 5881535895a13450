import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { intakeTopology } from '../../contracts/topology.ts'
import { createLog } from '../process/log.ts'
import { createPublisher } from './publisher.ts'

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
