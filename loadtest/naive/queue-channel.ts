import { type ConfirmChannel, connect } from 'amqplib'

export const NAIVE_QUEUE = 'naive.intake'

/** The same kind of queue as the shop's: durable and replicated. */
export async function openQueue(): Promise<ConfirmChannel> {
  const connection = await connect(process.env.RABBITMQ_URL ?? '', { noDelay: true })
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue(NAIVE_QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  return channel
}
