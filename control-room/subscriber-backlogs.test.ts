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

test('what waits for a subscriber is shown, also while it does not run, and so is what is set aside', async () => {
  const queues = subscriberQueues('points', 2, [])
  const connection = await connect(system.world.rabbitmqUrl)
  await declare(connection, queues.topology, createLog('test', 'silent'))
  await connection.close()
  await subscribe(system.world.database, 'points', 2, { follows: 'orders', entered: [] })
  for (const queue of [...queues.partitions, queues.partitions[0], queues.parked, queues.deadLetters])
    await publishTo(system.world, '', queue ?? '', '{}')

  await system.start('control-room')
  const metrics = async () =>
    String((await call('GET', `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}/metrics`)).body.text)
  const text = await eventually('the gauge', metrics, (shown) => shown.includes('seckill_subscriber_messages{'))
  for (const [what, count] of Object.entries({ waiting: 3, held: 0, parked: 1, dead_letters: 1 })) {
    expect(text).toMatch(
      new RegExp(`^seckill_subscriber_messages\\{subscriber="points",what="${what}".*\\} ${count}$`, 'm'),
    )
  }
})
