import { randomUUID } from 'node:crypto'
import { connect } from 'amqplib'
import type { Pool } from 'pg'
import { ORDER_EVENT_VERSION, type OrderEvent } from '../../core/contracts/messages.ts'
import { eventSpan, traceparentOf } from '../../core/contracts/trace-context.ts'
import { eventMessages } from '../../core/orders/event-messages.ts'

/** Orders whose events are sent together: all of the first ones, then all of the second ones. */
const TOGETHER = 1_000
const STEPS = ['order.created', 'order.paid'] as const
export const EVENTS_PER_ORDER = STEPS.length

/** Events of so many orders that were placed and paid; each has a buyer, and a coupon, of its own. */
export async function makeBacklog(pool: Pool, rabbitmqUrl: string, orders: number): Promise<void> {
  await pool.query(`INSERT INTO coupons (code) SELECT 'C' || i FROM generate_series(0, ${orders - 1}) AS i`)
  const connection = await connect(rabbitmqUrl, { noDelay: true })
  const channel = await connection.createConfirmChannel()
  for (let from = 0; from < orders; from += TOGETHER) {
    const ids = Array.from({ length: Math.min(TOGETHER, orders - from) }, () => randomUUID())
    for (const [step] of STEPS.entries()) {
      const events = ids.map((orderId, i) => eventOf(orderId, from + i, step))
      for (const { exchange, routingKey, body, ...properties } of eventMessages(events))
        channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(body)), { persistent: true, ...properties })
    }
    await channel.waitForConfirms()
  }
  await channel.close()
  await connection.close()
}

function eventOf(orderId: string, number: number, step: number): OrderEvent {
  const eventId = randomUUID()
  const now = new Date().toISOString()
  return {
    v: ORDER_EVENT_VERSION,
    eventId,
    type: STEPS[step] ?? 'order.created',
    orderId,
    reservationId: `drain.${orderId}`,
    saleId: 'drain',
    buyerId: `buyer-${number}`,
    quantity: 1,
    amountCents: 1_000,
    couponCode: `C${number}`,
    points: 0,
    sequence: step + 1,
    orderedAt: now,
    at: now,
    traceparent: traceparentOf(eventSpan({ reservationId: `drain.${orderId}`, eventId })),
  }
}
