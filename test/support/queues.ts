import { type Channel, connect } from 'amqplib'
import type { World } from './make-world.ts'

type Of = Pick<World, 'rabbitmqUrl'>

export const lengthOf = (world: Of, queue: string): Promise<number> =>
  onChannel(world, async (channel) => (await channel.checkQueue(queue)).messageCount)

export const consumersOf = (world: Of, queue: string): Promise<number> =>
  onChannel(world, async (channel) => (await channel.checkQueue(queue)).consumerCount)

async function onChannel<Result>({ rabbitmqUrl }: Of, use: (channel: Channel) => Promise<Result>): Promise<Result> {
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  try {
    return await use(await connection.createChannel())
  } finally {
    await connection.close()
  }
}

/** Takes all messages and acknowledges none, as a consumer that hangs does. */
export async function takeAll({ rabbitmqUrl }: Of, queue: string): Promise<{ giveBack: () => Promise<void> }> {
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  const channel = await connection.createChannel()
  while (await channel.get(queue));
  return { giveBack: () => connection.close() }
}

/** Publishes in sequence, with a confirm for each message. @throws when the broker refuses one */
export async function publishTo(
  { rabbitmqUrl }: Of,
  exchange: string,
  routingKey: string,
  ...bodies: string[]
): Promise<void> {
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  try {
    const channel = await connection.createConfirmChannel()
    for (const body of bodies) {
      channel.publish(exchange, routingKey, Buffer.from(body), { persistent: true, mandatory: true })
      await channel.waitForConfirms()
    }
  } finally {
    await connection.close()
  }
}

/** The body of a message in the intake queue. */
export const batchOf = (...reservations: object[]) => JSON.stringify({ v: 2, reservations })
