import type { ChannelModel, ConsumeMessage } from 'amqplib'
import { slicesOf } from '../../core/platform/batches/divide.ts'
import { bodyOf, CONSUMERS, idIn, type Message, type Topic } from './topic.ts'

type QueueType = 'classic' | 'quorum' | 'stream'

/** Unconfirmed messages at once. */
const UNCONFIRMED_MAX = 500

/** A queue for each partition. A single active consumer and the consistent-hash exchange would do the same. */
export async function openRabbitmqTopic(
  broker: ChannelModel,
  type: QueueType,
  name: string,
  partitions: number,
): Promise<Topic> {
  const queues = Array.from({ length: partitions }, (_, i) => `${name}.${type}.${i}`)
  const queueOf = ({ key }: Message) => queues[key % partitions] ?? ''
  const sender = await broker.createConfirmChannel()
  sender.on('error', () => {}) // A kill closes it, as intended.
  const declare = (queue: string, more: object = {}) =>
    sender.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': type, ...more } })
  for (const queue of queues) await declare(queue)

  const send = (queue: string, message: Message) =>
    new Promise<void>((resolve, reject) => {
      const onConfirm = (error: unknown) => (error ? reject(new Error(`${queue} refused ${message.id}`)) : resolve())
      sender.sendToQueue(queue, Buffer.from(bodyOf(message)), { persistent: true }, onConfirm)
    })

  /** Where each reader of a stream goes on: the broker keeps no position for it here, as a queue needs none. */
  const offsets = new Map<string, number>()
  const topic: Topic = {
    async publish(messages) {
      for (const slice of slicesOf(messages, UNCONFIRMED_MAX))
        await Promise.all(slice.map((message) => send(queueOf(message), message)))
    },

    async consume({ reader, atOnce }, handle) {
      const stops = CONSUMERS.map(async (consumer) => {
        const queue = queues[consumer % partitions] ?? ''
        const channel = await broker.createChannel()
        channel.on('error', () => {}) // As above.
        await channel.prefetch(atOnce)
        // One after the other: a stream delivers a whole chunk, also beyond the prefetch.
        let working = Promise.resolve()
        const work = async (message: ConsumeMessage) => {
          await handle(idIn(message.content), consumer)
          channel.ack(message)
          offsets.set(`${reader} ${queue}`, Number(message.properties.headers?.['x-stream-offset']) + 1)
        }
        const onMessage = (message: ConsumeMessage | null) => {
          if (message) working = working.then(() => work(message))
        }
        const offset = offsets.get(`${reader} ${queue}`) ?? 'first'
        const from = type === 'stream' ? { arguments: { 'x-stream-offset': offset } } : {}
        const { consumerTag } = await channel.consume(queue, onMessage, from)
        return async () => {
          await channel.cancel(consumerTag)
          await working
          await channel.close()
        }
      })
      const stopAll = await Promise.all(stops)
      return async () => {
        for (const stop of stopAll) await stop()
      }
    },
  }
  if (type === 'stream') return topic

  return {
    ...topic,
    /** Each delay has a queue without consumers: what was in it for its time-to-live is dead-lettered to the topic. */
    async publishDelayed(messages) {
      const delayQueueOf = (message: Message) => `${queueOf(message)}.after.${message.delayMs}`
      for (const message of new Map(messages.map((each) => [delayQueueOf(each), each])).values())
        await declare(delayQueueOf(message), {
          'x-message-ttl': message.delayMs,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': queueOf(message),
          ...(type === 'quorum' && { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' }),
        })
      await Promise.all(messages.map((message) => send(delayQueueOf(message), message)))
    },
  }
}
