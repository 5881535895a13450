import { useState } from 'preact/hooks'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import type { Purchase, PurchaseState } from '../purchase.ts'
import { saleStateOf } from '../sales.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { ExtrasFields, readExtras } from './extras-fields.tsx'

/** The one button, and the reason when it is disabled. */
export function BuyPanel({ sale, purchase }: { sale: SaleView; purchase: Purchase }) {
  const words = useWords()
  const state = useStore(purchase.state)
  const [text, setText] = useState({ coupon: '', points: '' })
  const saleState = saleStateOf(sale, useNow(saleClock))
  const waitSeconds = waitOf(state)
  const extras = readExtras(text)
  const isUnsure = state.refusal !== undefined && LEAVES_UNSURE.has(state.refusal.code)
  const closed = saleState === 'SOLD_OUT' && isUnsure ? undefined : CLOSED[saleState]
  const isAwake = !closed && waitSeconds === 0 && state.doing === undefined && extras !== undefined
  // A refusal that is out of date would contradict the button.
  const isOutOfDate = state.refusal?.code === 'SOLD_OUT' && saleState === 'OPEN' && waitSeconds === 0
  const advice = closed?.advice ?? (isOutOfDate ? undefined : state.refusal?.code)
  const label = () => {
    if (state.doing === 'BUYING') return words.buying
    if (closed) return words[closed.label]
    if (waitSeconds > 0) return words.tryAgainIn(waitSeconds)
    return saleState === 'SOLD_OUT' ? words.tryAgain : words.buy
  }
  return (
    <section class="buy" aria-label={words.buy}>
      <button
        class="button big"
        aria-disabled={!isAwake}
        onClick={() => {
          if (isAwake) void purchase.buy(extras)
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
  SOLD_OUT: { label: 'soldOut', advice: 'SOLD_OUT' },
  OVER: { label: 'ended', advice: 'ENDED' },
} as const

/**
 * The attempt may have arrived and reserved the last unit. The next attempt finds it, so "sold out" must not disable the
 * button.
 */
const LEAVES_UNSURE = new Set(['UNAVAILABLE', 'OFFLINE', 'INTERNAL'])

const MAKES_WAIT = new Set(['RATE_LIMITED', 'BUSY', 'UNAVAILABLE', 'OFFLINE', 'INTERNAL', 'SOLD_OUT'])

/** Whole seconds until the next attempt makes sense. */
const waitOf = ({ refusal }: PurchaseState) =>
  refusal && MAKES_WAIT.has(refusal.code) ? Math.max(0, Math.ceil((refusal.againAtMs - performance.now()) / 1_000)) : 0
