import type { ChannelModel } from 'amqplib'
import type { Logger } from '../process/log.ts'
import { connectToBroker } from './brokers.ts'
import { unlessClosed, withinLimit } from './connection.ts'

/** Connects for one piece of work, and leaves. @throws when the broker cannot be reached, or goes meanwhile. */
export async function visitBroker<T>(
  url: string,
  name: string,
  log: Logger,
  work: (model: ChannelModel) => Promise<T>,
): Promise<T> {
  const model = await connectToBroker(url, name)
  model.on('error', (error: Error) => log.debug({ err: error.message, connection: name }, 'broker connection failed'))
  try {
    return await unlessClosed(model, work(model))
  } finally {
    await withinLimit(model.close()).catch((error: Error) => log.debug({ err: error.message }, 'connection was gone'))
  }
}
