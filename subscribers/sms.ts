import type { OrderEvent } from '../core/contracts/messages.ts'
import { moneyText } from '../core/contracts/money.ts'
import { logFileProvider } from './providers/sms-provider.ts'
import type { Subscriber } from './runtime/subscriber.ts'

/** Nothing is delivered again after so long: the relay and the broker try for seconds. */
const MARK_SECONDS = 24 * 3_600

/** Tells buyers how their orders fare. A message cannot be unsent, and one too many does no harm: a mark is enough. */
export const subscriber: Subscriber = {
  name: 'sms',
  events: ['order.created', 'order.paid', 'order.cancelled', 'order.refunded', 'reservation.rejected'],
  follows: 'events',
  once: { markSeconds: MARK_SECONDS },
  async handle(_db, event, { config }) {
    await logFileProvider(config.SMS_LOG_FILE).send({
      buyerId: event.buyerId,
      text: textOf(event, config.CURRENCY),
      key: event.eventId,
    })
  },
}

const WHY_CANCELLED: Record<string, string> = {
  UNPAID: 'it was not paid in time',
  BUYER: 'as you wished',
  COUPON_REFUSED: 'its coupon could not be used',
  TOO_FEW_POINTS: 'you have too few points',
}

function textOf(event: OrderEvent, currency: string): string {
  const { type, orderId, couponCode, points, reason } = event
  const amount = moneyText(event.amountCents, currency, 'en')
  switch (type) {
    // What is to pay is known, and can be paid, only when coupon and points are taken.
    case 'order.created':
      return couponCode === null && points === 0
        ? `You got it: order ${orderId} waits for your payment of ${amount}.`
        : `You got it: once your coupon and points are checked, order ${orderId} waits for your payment.`
    case 'order.paid':
      return `Thank you: order ${orderId} is paid.`
    case 'order.cancelled':
      return `Order ${orderId} is cancelled: ${WHY_CANCELLED[reason ?? ''] ?? 'it could not be completed'}.`
    case 'order.refunded':
      return `Your payment of ${amount} for order ${orderId} goes back to you.`
    case 'reservation.rejected':
      return 'We are sorry: your reservation could not become an order.'
    default:
      throw new Error(`expected an event with an SMS text, got ${type}`)
  }
}
