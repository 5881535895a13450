import { z } from 'zod'
import { storable } from '../../../core/contracts/text.ts'
import { OrderId } from '../../../core/contracts/values.ts'
import { parseCallback } from '../parse-callback.ts'
import type { CallbackReading } from '../provider.ts'
import { fromStripe } from './amounts.ts'

const Event = z.object({ id: storable(255), type: z.string(), data: z.object({ object: z.unknown() }) })

/** What createLink wrote; without it the object is of another shop, or another product, on the same account. */
const Ours = z.object({ metadata: z.object({ payment_id: z.uuid(), order_id: OrderId }) })
const PaymentIntentId = storable(100)
const CurrencyCode = z.string().regex(/^[a-z]{3}$/)

const Session = z.object({
  payment_status: z.string(),
  amount_total: z.int().min(0),
  currency: CurrencyCode,
  payment_intent: PaymentIntentId,
})
const Intent = z.object({ id: PaymentIntentId, amount_received: z.int().min(0), currency: CurrencyCode })
const Refund = z.object({ id: z.string(), status: z.string(), metadata: z.object({ refund_id: z.string() }) })

/**
 * Reads one event. Stripe sends events more than once, in any order, and two about the same money: all of them name our
 * payment, which is counted once, and the same PaymentIntent.
 */
export function readEvent(rawBody: Buffer): CallbackReading {
  const read = parseCallback(Event, rawBody)
  if ('outcome' in read) return read
  const { type, data } = read.parsed
  switch (type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      return readMoney(data.object, Session, (session) =>
        // Of a bank transfer the session is completed before the money comes.
        session.payment_status === 'paid'
          ? { ...session, intent: session.payment_intent, amount: session.amount_total }
          : undefined,
      )
    case 'payment_intent.succeeded':
      return readMoney(data.object, Intent, (intent) => ({
        ...intent,
        intent: intent.id,
        amount: intent.amount_received,
      }))
    case 'refund.failed':
    case 'refund.updated':
    case 'charge.refund.updated':
      return readRefund(data.object)
    default:
      return { outcome: 'IGNORED' }
  }
}

interface Received {
  intent: string
  amount: number
  currency: string
}

function readMoney<T>(
  object: unknown,
  schema: z.ZodType<T>,
  received: (found: T) => Received | undefined,
): CallbackReading {
  const ours = Ours.safeParse(object)
  if (!ours.success) return { outcome: 'IGNORED' }
  const found = schema.safeParse(object)
  if (!found.success) return { outcome: 'UNREADABLE', detail: z.prettifyError(found.error) }
  const money = received(found.data)
  if (!money) return { outcome: 'IGNORED' }
  const currency = money.currency.toUpperCase()
  const amountCents = fromStripe(money.amount, currency)
  if (amountCents === undefined)
    return { outcome: 'UNREADABLE', detail: `amount: expected a whole number of the smallest unit of ${currency}` }
  const { payment_id: paymentId, order_id: orderId } = ours.data.metadata
  return { outcome: 'RECEIVED', money: { paymentId, orderId, amountCents, providerRef: money.intent }, currency }
}

/** Stripe takes a refund first and may report days later that the buyer's bank did not. */
function readRefund(object: unknown): CallbackReading {
  const refund = Refund.safeParse(object)
  if (!refund.success || refund.data.status !== 'failed') return { outcome: 'IGNORED' }
  const { id, metadata } = refund.data
  const alarm = `refund ${metadata.refund_id} (${id}) failed at the bank: give the money back in another way`
  return { outcome: 'IGNORED', alarm }
}
