import { money } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { orderClock, type Order } from '../contract.ts'
import { isEnded, mayBuyAgain, type Phase, phaseOf } from '../phase.ts'
import type { Purchase, PurchaseState } from '../purchase.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { Countdown } from './countdown.tsx'
import { Timeline } from './timeline.tsx'

interface OrderPanelProps {
  purchase: Purchase
  /** Among several of the buyer; undefined of the only one. */
  number: number | undefined
  isNewest: boolean
  onHide: () => void
}

/** A purchase from "you got it" to its end. */
export function OrderPanel({ purchase, number, isNewest, onHide }: OrderPanelProps) {
  const words = useWords()
  const state = useStore(purchase.state)
  const { reservation, order, refusal, isPushed } = state
  const phase = phaseOf(reservation, order)
  if (!reservation || phase === 'IDLE') return null
  const { title, text } = sayingOf(words, phase, state)
  const name = number === undefined ? words.steps.title : words.purchase(number)
  return (
    <section class={`order ${phase.toLowerCase().replace('_', '-')}`} aria-label={name}>
      {number !== undefined && (
        <p class="name">
          <strong>{name}</strong> <span class="soft">{words.units(reservation.quantity)}</span>
        </p>
      )}
      {isNewest && <Timeline phase={phase} />}
      <div class="saying">
        <h2>{title}</h2>
        <p>{text}</p>
        {number === undefined && mayBuyAgain(phase, reservation.reason) && <p>{words.freeAgain}</p>}
      </div>
      {phase === 'TO_PAY' && order && <ToPay purchase={purchase} order={order} />}
      {isEnded(phase) && (
        <button class={number === undefined ? 'button' : 'button quiet'} onClick={onHide}>
          {number === undefined ? words.buyAgain : words.hide}
        </button>
      )}
      {refusal && <Advice code={refusal.code} />}
      <p class="soft number">
        {reservation.orderId && (
          <span>
            {words.orderNumber} {reservation.orderId}
          </span>
        )}
        <span aria-live="polite">{isPushed === false && !isEnded(phase) && words.connection.polling}</span>
      </p>
    </section>
  )
}

/**
 * The same for screen readers. Its element must exist before the panel does: few of them read out an element that is
 * inserted together with its text.
 */
export function Said({ purchase }: { purchase: Purchase }) {
  const words = useWords()
  const state = useStore(purchase.state)
  const phase = phaseOf(state.reservation, state.order)
  if (phase === 'IDLE') return null
  const { title, text } = sayingOf(words, phase, state)
  return (
    <>
      {title} {text}
    </>
  )
}

function sayingOf(
  { says, reasons, steps }: Words,
  phase: Exclude<Phase, 'IDLE'>,
  { reservation, order }: PurchaseState,
): { title: string; text: string } {
  const endReason = reservation?.reason ?? order?.reason
  const reason = endReason ? reasons[endReason] : ''
  switch (phase) {
    case 'MAKING':
      return { title: says.making.title, text: says.making.text(reservation?.quantity ?? 1) }
    case 'CHECKING':
      return order?.saga?.state === 'COMPENSATING' ? { title: says.checking.title, text: steps.putBack } : says.checking
    case 'TO_PAY':
      return says.toPay
    case 'PAID':
      return says.paid
    case 'CANCELLED':
      return { title: says.cancelled, text: reason }
    case 'REJECTED':
      return { title: says.rejected, text: reason }
    case 'REFUNDED':
      return { title: says.refunded.title, text: reason || says.refunded.text }
  }
}

function ToPay({ purchase, order }: { purchase: Purchase; order: Order }) {
  const words = useWords()
  const { doing } = useStore(purchase.state)
  return (
    <>
      <div class="due">
        <div>
          <span class="soft">{words.toPay}</span>
          <span class="amount figures">{money(order.amountCents, order.currency)}</span>
          {(order.couponCode !== undefined || Boolean(order.points)) && <span class="soft">{words.discount}</span>}
        </div>
        <Countdown until={order.paymentDeadline} clock={orderClock} label={words.timeLeft} />
      </div>
      <div class="actions">
        <button
          class="button"
          aria-disabled={doing !== undefined}
          onClick={() => {
            void purchase.pay()
          }}
        >
          {doing === 'OPENING_PAYMENT' ? words.openingPayment : words.pay(money(order.amountCents, order.currency))}
        </button>
        <button
          class="button quiet"
          aria-disabled={doing !== undefined}
          onClick={() => {
            void purchase.cancel()
          }}
        >
          {words.cancel}
        </button>
      </div>
    </>
  )
}
