import { connect, type GetMessage } from 'amqplib'
import { SEQUENCED, SEQUENCED_EVENTS } from '../../core/contracts/topology.ts'
import { subscriberQueues } from '../../core/contracts/subscriber-topology.ts'
import { lengthOf } from '../../test/support/queues.ts'
import { eventually } from '../../test/support/eventually.ts'
import type { World } from '../../test/support/make-world.ts'

/** From now on events of orders reach this subscriber by a detour, on which the first one of a type is held back. */
export async function holdBackEvents(world: World, subscriber: string, type: string) {
  const { exchange, held } = subscriberQueues(subscriber, 1, [])
  const broker = await connect(world.rabbitmqUrl, { noDelay: true })
  const channel = await broker.createConfirmChannel()
  const { queue: detour } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(detour, SEQUENCED_EVENTS, SEQUENCED.plain)
  await channel.unbindExchange(exchange, SEQUENCED_EVENTS, SEQUENCED.plain)
  let late: GetMessage | undefined

  const next = () => channel.get(detour, { noAck: true })
  const pass = async ({ content, properties: { headers: _, ...properties } }: GetMessage) => {
    channel.publish(exchange, '', content, properties)
    await channel.waitForConfirms()
  }
  return {
    /** Ends the detour. What both ways have brought is a repeat, which the subscriber knows. */
    async passOnOthers(): Promise<void> {
      late = await eventually(
        `${type} on the detour`,
        async () => {
          const message = await next()
          if (message && !message.content.includes(type)) await pass(message)
          return message && message.content.includes(type) ? message : undefined
        },
        (message) => message !== undefined,
      )
      await channel.bindExchange(exchange, SEQUENCED_EVENTS, SEQUENCED.plain)
      for (let message = await next(); message; message = await next()) await pass(message)
    },
    /** Whether the subscriber has set a later event aside. */
    isWaitedFor: async (): Promise<boolean> => (await lengthOf(world, held)) > 0,
    async release(): Promise<void> {
      if (late) await pass(late)
      await broker.close()
    },
  }
}
