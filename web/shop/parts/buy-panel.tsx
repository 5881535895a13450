import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import type { Purchase, PurchaseState } from '../purchase.ts'
import { type SaleState, saleStateOf } from '../sales.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { ExtrasFields, readExtras } from './extras-fields.tsx'

/** The one button, and the reason when it is disabled. */
export function BuyPanel({ sale, purchase }: { sale: SaleView; purchase: Purchase }) {
  const words = useWords()
  const state = useStore(purchase.state)
  const [text, setText] = useState({ coupon: '', points: '' })
  const saleState = saleStateOf(sale, useNow(saleClock))
  const waitSeconds = useWait(state)
  const extras = readExtras(text)
  const isUnsure = state.refusal !== undefined && LEAVES_UNSURE.has(state.refusal.code)
  const isAwake =
    (saleState === 'OPEN' || (saleState === 'SOLD_OUT' && isUnsure)) &&
    waitSeconds === 0 &&
    state.doing === undefined &&
    extras !== undefined
  // A refusal that is out of date would contradict the button.
  const refusal =
    state.refusal && !(state.refusal.code === 'SOLD_OUT' && saleState === 'OPEN' && waitSeconds === 0)
      ? state.refusal.code
      : undefined
  const advice =
    saleState === 'SOON'
      ? 'NOT_STARTED'
      : saleState === 'OVER'
        ? 'ENDED'
        : saleState === 'SOLD_OUT' && !isUnsure
          ? 'SOLD_OUT'
          : refusal
  return (
    <section class="buy" aria-label={words.buy}>
      <button
        class="button big"
        aria-disabled={!isAwake}
        onClick={() => {
          if (isAwake) void purchase.buy(extras)
        }}
      >
        {label(words, saleState, state, waitSeconds, isUnsure)}
      </button>
      {(saleState === 'OPEN' || saleState === 'SOON') && <ExtrasFields value={text} onInput={setText} />}
      {advice && <Advice code={advice} />}
    </section>
  )
}

function label(
  words: Words,
  saleState: SaleState,
  { doing }: PurchaseState,
  waitSeconds: number,
  isUnsure: boolean,
): string {
  if (doing === 'BUYING') return words.buying
  if (saleState === 'SOON') return words.notYet
  if (saleState === 'OVER') return words.ended
  if (saleState === 'SOLD_OUT' && !isUnsure) return words.soldOut
  if (waitSeconds > 0) return words.tryAgainIn(waitSeconds)
  return saleState === 'SOLD_OUT' ? words.tryAgain : words.buy
}

/**
 * The attempt may have arrived and reserved the last unit. The next attempt finds it, so "sold out" must not disable the
 * button.
 */
const LEAVES_UNSURE = new Set(['UNAVAILABLE', 'OFFLINE', 'INTERNAL'])

const MAKES_WAIT = new Set(['RATE_LIMITED', 'BUSY', 'UNAVAILABLE', 'OFFLINE', 'INTERNAL', 'SOLD_OUT'])

/** Whole seconds until the next attempt makes sense. */
function useWait({ refusal }: PurchaseState): number {
  const [nowMs, setNowMs] = useState(performance.now())
  useEffect(() => {
    setNowMs(performance.now())
    const timer = refusal && setInterval(() => setNowMs(performance.now()), 250)
    return () => clearInterval(timer)
  }, [refusal])
  return refusal && MAKES_WAIT.has(refusal.code) ? Math.max(0, Math.ceil((refusal.againAtMs - nowMs) / 1_000)) : 0
}
