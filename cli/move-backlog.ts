import { setTimeout as delay } from 'node:timers/promises'
import type { ChannelModel, ConsumeMessage } from 'amqplib'
import { subscriberQueues, type SubscriberQueues } from '../core/contracts/subscriber-topology.ts'
import { EVENT_CONFIRM_MS_MAX } from '../core/contracts/topology.ts'
import type { Logger } from '../core/platform/process/log.ts'
import { confirming } from '../core/platform/rabbit/confirmed.ts'
import { openChannel } from '../core/platform/rabbit/connection.ts'
import { declare } from '../core/platform/rabbit/declare.ts'

const CONFIRM_LIMIT_MS = 10_000
const IN_FLIGHT_MAX = 500
const POLL_INTERVAL_MS = 200
/**
 * After the old partitions are cut off: an event that has not reached them by then was given up by the relay, which
 * publishes it again.
 */
const QUIET_MS = EVENT_CONFIRM_MS_MAX + 1_000

export interface Move {
  model: ChannelModel
  log: Logger
  name: string
  /** Numbers of partitions. */
  from: number
  to: number
}

/**
 * Moves what waits in the old partitions to the new ones, and what arrives meanwhile behind it, so that the events of
 * an order stay in sequence; then cuts the old partitions off and deletes them. Each step may be repeated after a
 * kill.
 * @returns how many messages it moved
 */
export async function moveBacklog({ model, log, name, from, to }: Move): Promise<number> {
  const [old, wanted] = [subscriberQueues(name, from, []), subscriberQueues(name, to, [])]
  await declare(model, wanted.partitionsTopology, log)
  // A run that was killed may have deleted some of them.
  await declare(model, old.partitionsTopology, log)
  const channel = await openChannel(model, log)
  await channel.prefetch(IN_FLIGHT_MAX)
  const mover = startMover(channel, wanted.byOrder, log)
  for (const queue of old.partitions) await channel.consume(queue, mover.take)
  const emptied = () => mover.until(async () => (await lengthOf(channel, old)) === 0)
  await emptied()
  // Linked to the new ones first: what both receive comes twice, which the inbox recognises; none is lost.
  await channel.bindExchange(wanted.byOrder, wanted.exchange, '')
  await channel.unbindExchange(old.byOrder, old.exchange, '')
  await delay(QUIET_MS)
  await emptied()
  await channel.deleteExchange(old.byOrder)
  for (const queue of old.partitions) await channel.deleteQueue(queue)
  await channel.close()
  return mover.moved()
}

/** Publishes in the order of delivery; a message is acknowledged where it was once the broker has confirmed it. */
function startMover(channel: Awaited<ReturnType<typeof openChannel>>, exchange: string, log: Logger) {
  const send = confirming(channel, log)
  let [moved, inFlight] = [0, 0]
  let failure: Error | undefined

  async function move(message: ConsumeMessage): Promise<void> {
    const { messageId, correlationId } = message.properties as { messageId?: string; correlationId?: string }
    const outcome = await send(
      { exchange, routingKey: 'moved', messageId: messageId ?? '', correlationId, body: message.content },
      CONFIRM_LIMIT_MS,
    )
    if (outcome !== 'CONFIRMED') throw new Error(`The broker did not take a message: ${outcome}`)
    channel.ack(message)
    moved++
  }

  return {
    moved: () => moved,
    take: (message: ConsumeMessage | null) => {
      if (!message) failure ??= new Error('A partition was deleted while it was being moved')
      if (!message || failure) return
      inFlight++
      move(message)
        .catch((error: Error) => {
          failure ??= error
        })
        .finally(() => inFlight--)
    },
    /**
     * Waits until none is in flight and the condition holds, at two polls: a delivery may be on its way at one. @throws
     * when a message could not be moved
     */
    async until(condition: () => Promise<boolean>): Promise<void> {
      for (let held = 0; held < 2; await delay(POLL_INTERVAL_MS)) {
        held = (await condition()) && inFlight === 0 ? held + 1 : 0
        // After the condition: what could not be moved is neither waiting nor in flight.
        if (failure) throw failure
      }
    },
  }
}

async function lengthOf(channel: Awaited<ReturnType<typeof openChannel>>, queues: SubscriberQueues): Promise<number> {
  const checked = await Promise.all(queues.partitions.map((queue) => channel.checkQueue(queue)))
  // Without our own consumer among them the numbers are not the leader's, which does not answer.
  return checked.reduce((sum, { messageCount, consumerCount }) => sum + (consumerCount === 0 ? 1 : messageCount), 0)
}
