/**
 * What the shop's six subscribers do for an order, as a first version has it: one statement after another, in the
 * transaction of the change. A plain order has no coupon and spends no points, so the saga and the deduction of points
 * have nothing to do, here as there.
 */
import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import type { Order, Prisma } from '../../prisma/generated/client.ts'

const CENTS_PER_POINT = 100
const PAID_PER_MINUTE_MAX = 5

type Transaction = Prisma.TransactionClient
type Counted = 'created' | 'paid'

/** Statistics and an SMS. */
export async function whenCreated(tx: Transaction, order: Order): Promise<void> {
  await count(tx, order, 'created')
  await sendSms(order, `order ${order.id} waits for your payment`)
}

/** Points, a review, the coupon, statistics and an SMS. */
export async function whenPaid(tx: Transaction, order: Order): Promise<void> {
  const { id: orderId, saleId, buyerId, amountCents } = order
  const step = { orderId, saleId, buyerId, eventId: randomUUID() }
  await tx.pointsEntry.create({ data: { ...step, step: 'GRANTED', points: Math.floor(amountCents / CENTS_PER_POINT) } })
  const aMinuteAgo = new Date(Date.now() - 60_000)
  const recent = await tx.riskReview.count({ where: { buyerId, paidAt: { gt: aMinuteAgo } } })
  const rules = recent >= PAID_PER_MINUTE_MAX ? ['TOO_MANY_PAID'] : []
  await tx.riskReview.create({ data: { ...step, paidAt: new Date(), rules } })
  if (order.couponCode !== null)
    await tx.coupon.update({ where: { code: order.couponCode }, data: { status: 'USED', orderId } })
  await count(tx, order, 'paid')
  await sendSms(order, `order ${orderId} is paid`)
}

async function count(tx: Transaction, { saleId, amountCents }: Order, what: Counted): Promise<void> {
  const second = new Date(Math.floor(Date.now() / 1_000) * 1_000)
  const revenueCents = what === 'paid' ? amountCents : 0
  const update = { [what]: { increment: 1 }, revenueCents: { increment: revenueCents } }
  const create = { saleId, [what]: 1, revenueCents }
  await tx.saleSecond.upsert({
    where: { saleId_second: { saleId, second } },
    update,
    create: { ...create, second },
  })
  await tx.saleTotal.upsert({ where: { saleId }, update, create })
}

async function sendSms({ buyerId }: Order, text: string): Promise<void> {
  await appendFile(process.env.SMS_LOG_FILE ?? '/dev/null', `${JSON.stringify({ buyerId, text })}\n`)
}
