import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type PurchaseRequest, type SaleView, saleClock } from '../contract.ts'
import type { Purchases, PurchasesState } from '../purchases.ts'
import { saleStateOf } from '../sales.ts'
import type { Tickets } from '../tickets.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { ExtrasFields, readExtras } from './extras-fields.tsx'
import { QuantityField, readQuantity } from './quantity-field.tsx'
import { TicketLine } from './ticket-line.tsx'

interface BuyPanelProps {
  sale: SaleView
  purchases: Purchases
  tickets: Tickets
  /** Units that the buyer may still have. */
  left: number
  /** Of a sale with a waiting room. */
  admission?: string
}

/** The one button, and the reason when it is disabled. */
export function BuyPanel({ sale, purchases, tickets, left, admission }: BuyPanelProps) {
  const words = useWords()
  const state = useStore(purchases.state)
  const [text, setText] = useState({ coupon: '', points: '' })
  const [units, setUnits] = useState('1')
  const saleState = saleStateOf(sale, useNow(saleClock))
  const waitSeconds = waitOf(state)
  const ticket = useStore(tickets.state)
  useEffect(() => tickets.want(sale, purchases.openKey()))
  const lacksTicket = sale.opening?.ticket !== undefined && ticket.phase !== 'READY'
  const extras = readExtras(text)
  const quantity = left > 1 ? readQuantity(units, left) : 1
  const request = extras && quantity !== undefined ? { ...extras, ...(quantity > 1 && { quantity }) } : undefined
  // The attempt may have reserved the last unit, and the next one finds it: "sold out" must not disable the button.
  const closed = saleState === 'SOLD_OUT' && state.isUnsure ? undefined : CLOSED[saleState]
  const isAwake = !closed && !lacksTicket && waitSeconds === 0 && state.doing === undefined && request !== undefined
  // A refusal that is out of date would contradict the button.
  const isOutOfDate = OF_THE_SALE.has(state.refusal?.code) && saleState === 'OPEN' && waitSeconds === 0
  const isShownAbove = state.refusal?.code === 'KEY_REUSED'
  const answered = isOutOfDate || isShownAbove ? undefined : state.refusal?.code
  const unanswered = state.isUnsure && state.doing === undefined ? 'UNANSWERED' : undefined
  // Without a ticket the button is not enabled at the opening.
  const closedAdvice = lacksTicket && ticket.phase === 'REFUSED' ? undefined : closed?.advice
  const advice = closedAdvice ?? answered ?? unanswered
  /** Of limits, busy servers and the like the ticket is not used up. */
  const buy = async (wanted: PurchaseRequest) => {
    const code = await purchases.buy(wanted, sale.perBuyerLimit, tickets.held(), admission)
    if (code === undefined || code.startsWith('TICKET_')) tickets.drop()
  }
  const label = () => {
    if (state.doing === 'BUYING') return words.buying
    if (closed) return words[closed.label]
    if (waitSeconds > 0) return words.tryAgainIn(waitSeconds)
    if (saleState === 'SOLD_OUT') return words.tryAgain
    if (lacksTicket) return words.ticket.lacking
    return state.held > 0 ? words.buyMore : words.buy
  }
  return (
    <section class="buy" aria-label={state.held > 0 ? words.buyMore : words.buy}>
      {sale.opening?.ticket && saleState !== 'OVER' && <TicketLine sale={sale} state={ticket} />}
      {left > 1 && <QuantityField value={units} left={left} onInput={setUnits} />}
      <button
        // To pay for what is held comes first.
        class={state.held > 0 ? 'button big quiet' : 'button big'}
        aria-disabled={!isAwake}
        onClick={() => {
          if (isAwake) void buy(request)
        }}
      >
        {label()}
      </button>
      {(saleState === 'OPEN' || saleState === 'SOON') && <ExtrasFields value={text} onInput={setText} />}
      {advice && <Advice code={advice} />}
    </section>
  )
}

/** What the button and the advice below it say while the sale takes no purchase. */
const CLOSED = {
  SOON: { label: 'notYet', advice: 'NOT_STARTED' },
  OPEN: undefined,
  STOPPED: { label: 'stopped', advice: 'STOPPED' },
  SOLD_OUT: { label: 'soldOut', advice: 'SOLD_OUT' },
  OVER: { label: 'ended', advice: 'ENDED' },
} as const

const MAKES_WAIT = new Set([
  'RATE_LIMITED',
  'BUSY',
  'UNAVAILABLE',
  'OFFLINE',
  'INTERNAL',
  'SOLD_OUT',
  'STOPPED',
  'LAPSED',
])
/** Refusals that end with the state of the sale. */
const OF_THE_SALE = new Set<string | undefined>(['SOLD_OUT', 'STOPPED'])

/** Whole seconds until the next attempt makes sense. */
const waitOf = ({ refusal }: PurchasesState) =>
  refusal && MAKES_WAIT.has(refusal.code) ? Math.max(0, Math.ceil((refusal.againAtMs - performance.now()) / 1_000)) : 0
