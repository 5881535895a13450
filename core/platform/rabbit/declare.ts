import type { ChannelModel } from 'amqplib'
import type { Queue, Topology } from '../../contracts/topology.ts'
import type { Logger } from '../process/log.ts'
import { openChannel } from './connection.ts'

/** Declares what is there already without harm. @throws when something of that name is of another kind. */
export async function declare(model: ChannelModel, topology: Topology, log: Logger): Promise<void> {
  const channel = await openChannel(model, log)
  for (const exchange of topology.exchanges) {
    await channel.assertExchange(exchange.name, exchange.type, { durable: true, arguments: exchange.arguments ?? {} })
  }
  for (const queue of topology.queues) await declareQueue(model, queue, log)
  for (const binding of topology.bindings) {
    await channel.bindQueue(binding.queue, binding.exchange, binding.routingKey)
  }
  // Last: from the first message on everything behind it is there.
  for (const link of topology.links ?? []) await channel.bindExchange(link.to, link.from, link.routingKey)
  await channel.close()
}

/** How much a queue takes, as opposed to how it works. */
const BOUNDS = ['x-max-length', 'x-max-length-bytes', 'x-delivery-limit']

/**
 * A queue's arguments cannot be changed, and one that holds reservations cannot be made anew at once. So a queue that
 * differs in its bounds only is used as it is, and the log says so: a changed setting must not stop a sale.
 */
async function declareQueue(model: ChannelModel, { name, arguments: wanted }: Queue, log: Logger): Promise<void> {
  const args = { ...wanted }
  for (let adopted = 0; ; adopted++) {
    const refusal = await refusalOf(model, name, args)
    if (!refusal) return
    const { bound, kept } = boundThatDiffers(refusal)
    if (bound === undefined || adopted === BOUNDS.length) throw refusal
    log.error(
      { queue: name, bound, wanted: wanted[bound], kept: kept ?? 'none' },
      'the queue was made with another bound and keeps it; docs/upgrading.md says how to change it',
    )
    args[bound] = kept
  }
}

/** On a channel of its own, which a refusal closes. */
async function refusalOf(
  model: ChannelModel,
  queue: string,
  args: Record<string, unknown>,
): Promise<Error | undefined> {
  const channel = await model.createChannel()
  channel.on('error', () => {
    /* The rejected call says the same. */
  })
  try {
    await channel.assertQueue(queue, { durable: true, arguments: args })
    await channel.close()
    return undefined
  } catch (error) {
    return error as Error
  }
}

/**
 * The broker names the first argument that differs: "inequivalent arg 'x-max-length' for queue …: received '7' but
 * current is '5'", or "is none".
 */
function boundThatDiffers({ message }: Error): { bound?: string | undefined; kept?: number | undefined } {
  const [, bound = '', kept] =
    /inequivalent arg '([^']+)'.* but current is (?:none|(?:the value )?'(\d+)')/.exec(message) ?? []
  return BOUNDS.includes(bound) ? { bound, kept: kept === undefined ? undefined : Number(kept) } : {}
}
