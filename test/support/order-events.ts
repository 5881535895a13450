import { connect } from 'amqplib'
import { decode, OrderEvent } from '../../core/contracts/messages.ts'
import { eventTopology, ORDER_EVENTS } from '../../core/contracts/topology.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { declare } from '../../core/platform/rabbit/declare.ts'
import type { World } from './world.ts'

/** A subscriber that takes every event of the topic and keeps them in the order of their arrival. */
export async function recordOrderEvents({
  rabbitmqUrl,
}: World): Promise<{ events: OrderEvent[]; close: () => Promise<void> }> {
  const events: OrderEvent[] = []
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  await declare(connection, eventTopology, createLog('test', 'silent'))
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, ORDER_EVENTS, '#')
  await channel.consume(
    queue,
    (message) => {
      if (message) events.push(decode(OrderEvent, message.content))
    },
    { noAck: true },
  )
  return { events, close: () => connection.close() }
}
