import { connect } from 'amqplib'
import type { World } from './world.ts'

export async function lengthOf({ rabbitmqUrl }: World, queue: string): Promise<number> {
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  try {
    const channel = await connection.createChannel()
    return (await channel.checkQueue(queue)).messageCount
  } finally {
    await connection.close()
  }
}

/** Publishes in sequence, with a confirm for each message. @throws when the broker refuses one */
export async function publishTo(
  { rabbitmqUrl }: Pick<World, 'rabbitmqUrl'>,
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
