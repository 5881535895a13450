import { connect } from 'amqplib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { subscriberQueues } from '../core/contracts/subscriber-topology.ts'
import { subscribe } from '../core/orders/inbox.ts'
import { createLog } from '../core/platform/process/log.ts'
import { declare } from '../core/platform/rabbit/declare.ts'
import { eventually } from '../test/support/eventually.ts'
import { call } from '../test/support/http-client.ts'
import { publishTo } from '../test/support/queues.ts'
import { startSystem, type System } from '../test/support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({}, [])
})
afterAll(() => system.close())

const metrics = async () =>
  String((await call('GET', `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}/metrics`)).body.text)

test('how long the outbox has waited is shown, and that the clocks of both servers agree', async () => {
  await system.world.database.outboxEntry.createMany({
    data: [3_600_000, 60_000].map((ageMs) => ({ size: 1, messages: [{}], createdAt: new Date(Date.now() - ageMs) })),
  })
  await system.start('control-room')
  const text = await eventually('the figures', metrics, (shown) => /^seckill_outbox_entries\{.*\} 2$/m.test(shown))
  expect(Number(/^seckill_outbox_age_seconds\{.*\} (\S+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(3_599)
  expect(Number(/^seckill_clock_offset_seconds\{clock="postgresql".*\} (\S+)$/m.exec(text)?.[1])).toBeLessThan(5)
  await system.stop('control-room')
})

test('what waits for a subscriber is shown, also while it does not run, and so is what is set aside', async () => {
  const queues = subscriberQueues('points', 2, [])
  const connection = await connect(system.world.rabbitmqUrl)
  await declare(connection, queues.topology, createLog('test', 'silent'))
  await connection.close()
  await subscribe(system.world.database, 'points', 2, { follows: 'orders', entered: [] })
  for (const queue of [...queues.partitions, queues.partitions[0], queues.parked, queues.deadLetters])
    await publishTo(system.world, '', queue ?? '', '{}')

  await system.start('control-room')
  const text = await eventually('the gauge', metrics, (shown) => shown.includes('seckill_subscriber_messages{'))
  for (const [what, count] of Object.entries({ waiting: 3, held: 0, parked: 1, dead_letters: 1 })) {
    expect(text).toMatch(
      new RegExp(`^seckill_subscriber_messages\\{subscriber="points",what="${what}".*\\} ${count}$`, 'm'),
    )
  }
})
