/** Writes one order per message, ten at a time: one transaction each, acknowledged once it is committed. */
import { createServer } from 'node:http'
import type { ConsumeMessage } from 'amqplib'
import { database } from './database.ts'
import { whenCreated } from './effects.ts'
import { isDuplicate, newOrder, type Purchase } from './frame.ts'
import { NAIVE_QUEUE, openQueue } from './queue-channel.ts'

const PREFETCH = 10

const channel = await openQueue()
await channel.prefetch(PREFETCH)
await channel.consume(NAIVE_QUEUE, (message) => {
  if (message) void place(message)
})
createServer((_req, res) => {
  res.end('ready')
}).listen(Number(process.env.PORT), '127.0.0.1')

async function place(message: ConsumeMessage): Promise<void> {
  const { reservationId, ...purchase } = JSON.parse(message.content.toString()) as Purchase & { reservationId: string }
  try {
    await database.$transaction(async (transaction) => {
      const { priceCents } = await transaction.sale.update({
        where: { id: purchase.saleId },
        data: { sold: { increment: purchase.quantity } },
      })
      const order = await transaction.order.create({ data: { ...newOrder(purchase, priceCents), reservationId } })
      await whenCreated(transaction, order)
    })
    channel.ack(message)
  } catch (error) {
    // A redelivered message finds its order; on any other error the broker redelivers.
    if (isDuplicate(error)) channel.ack(message)
    else channel.nack(message, false, true)
  }
}
