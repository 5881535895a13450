import { useEffect, useState } from 'preact/hooks'
import { useStore } from '../../shared/store.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import type { Purchase, PurchaseState } from '../purchase.ts'
import { type Door, doorOf } from '../sales.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'
import { ExtrasFields, readExtras } from './extras-fields.tsx'

/** The one button, and why it sleeps when it does. */
export function BuyPanel({ sale, purchase }: { sale: SaleView; purchase: Purchase }) {
  const words = useWords()
  const state = useStore(purchase.state)
  const [text, setText] = useState({ coupon: '', points: '' })
  const door = doorOf(sale, useNow(saleClock))
  const waitSeconds = useWait(state)
  const extras = readExtras(text)
  const isUnsure = state.refusal !== undefined && LEAVES_UNSURE.has(state.refusal.code)
  const isAwake =
    (door === 'OPEN' || (door === 'SOLD_OUT' && isUnsure)) &&
    waitSeconds === 0 &&
    state.doing === undefined &&
    extras !== undefined
  // What was said of an earlier moment would contradict the button.
  const refusal =
    state.refusal && !(state.refusal.code === 'SOLD_OUT' && door === 'OPEN' && waitSeconds === 0)
      ? state.refusal.code
      : undefined
  const advice =
    door === 'SOON'
      ? 'NOT_STARTED'
      : door === 'OVER'
        ? 'ENDED'
        : door === 'SOLD_OUT' && !isUnsure
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
        {label(words, door, state, waitSeconds, isUnsure)}
      </button>
      {(door === 'OPEN' || door === 'SOON') && <ExtrasFields value={text} onInput={setText} />}
      {advice && <Advice code={advice} />}
    </section>
  )
}

function label(words: Words, door: Door, { doing }: PurchaseState, waitSeconds: number, isUnsure: boolean): string {
  if (doing === 'BUYING') return words.buying
  if (door === 'SOON') return words.notYet
  if (door === 'OVER') return words.ended
  if (door === 'SOLD_OUT' && !isUnsure) return words.soldOut
  if (waitSeconds > 0) return words.tryAgainIn(waitSeconds)
  return door === 'SOLD_OUT' ? words.tryAgain : words.buy
}

/**
 * The attempt may have arrived. Then the next one finds its unit, which may have been the last: "sold out" must not
 * keep its buyer from it.
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
