import { connect } from 'amqplib'
import type { OrderEvent } from '../../core/contracts/messages.ts'
import { readIncoming } from '../../core/contracts/set-aside.ts'
import { eventTopology, SEQUENCED_EVENTS } from '../../core/contracts/topology.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { declare } from '../../core/platform/rabbit/declare.ts'
import type { World } from './world.ts'

/** Records every sequenced event in order of arrival. */
export async function recordOrderEvents({
  rabbitmqUrl,
}: World): Promise<{ events: OrderEvent[]; close: () => Promise<void> }> {
  const events: OrderEvent[] = []
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  await declare(connection, eventTopology, createLog('test', 'silent'))
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, SEQUENCED_EVENTS, '#')
  await channel.consume(
    queue,
    (message) => {
      if (message)
        events.push(...readIncoming(message.content).items.flatMap((item) => (item.isKnown ? [item.event] : [])))
    },
    { noAck: true },
  )
  return { events, close: () => connection.close() }
}
