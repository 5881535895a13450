/**
 * What the shop's six subscribers do for an order, as a first version has it: one statement after another, in the
 * transaction of the change. Rolling it back takes the place of the saga.
 */
import { randomUUID } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import type { Order, Prisma } from '../../prisma/generated/client.ts'

const CENTS_PER_POINT = 100
const PAID_PER_MINUTE_MAX = 5

type Transaction = Prisma.TransactionClient
type Counted = 'created' | 'paid'

/** The coupon, points, statistics and an SMS. */
export async function whenCreated(tx: Transaction, order: Order): Promise<void> {
  const offCents = (await takeCoupon(tx, order)) + (await takePoints(tx, order))
  if (offCents > 0) await tx.order.update({ where: { id: order.id }, data: { amountCents: { decrement: offCents } } })
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

async function takeCoupon(tx: Transaction, { id: orderId, couponCode: code }: Order): Promise<number> {
  if (code === null) return 0
  const { count: locked } = await tx.coupon.updateMany({
    where: { code, status: 'AVAILABLE' },
    data: { status: 'LOCKED', orderId },
  })
  if (locked === 0) throw new Error('The coupon is not available.')
  return (await tx.coupon.findUniqueOrThrow({ where: { code } })).discountCents
}

async function takePoints(tx: Transaction, { id: orderId, saleId, buyerId, points }: Order): Promise<number> {
  if (points === 0) return 0
  const { _sum } = await tx.pointsEntry.aggregate({ where: { buyerId }, _sum: { points: true } })
  if ((_sum.points ?? 0) < points) throw new Error('There are too few points.')
  await tx.pointsEntry.create({
    data: { orderId, saleId, buyerId, eventId: randomUUID(), step: 'DEDUCTED', points: -points },
  })
  return points
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
