import type { ServerClock } from '../../shared/clock.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { saleStateOf } from '../sales.ts'
import { useWords } from '../words/words.ts'

const DAY_SECONDS = 86_400
const URGENT_SECONDS = 20
const two = (value: number) => String(value).padStart(2, '0')

/** Until that moment by that clock, in whole seconds rounded up: 0:00 is shown when it is there. */
export function Countdown({ until, clock, label }: { until: string; clock: ServerClock; label: string }) {
  const words = useWords()
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - useNow(clock)) / 1_000))
  const days = Math.floor(seconds / DAY_SECONDS)
  const [hours, minutes] = [Math.floor((seconds % DAY_SECONDS) / 3_600), Math.floor((seconds % 3_600) / 60)]
  const time =
    hours > 0 || days > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
  return (
    <div class={seconds < URGENT_SECONDS ? 'countdown urgent' : 'countdown'}>
      <span class="soft">{label}</span>
      <span class="figures" role="timer" aria-label={label}>
        {days > 0 && <>{words.days(days)} </>}
        {time}
      </span>
    </div>
  )
}

/** When the sale opens, then when it closes. */
export function SaleWindow({ sale }: { sale: SaleView }) {
  const words = useWords()
  const saleState = saleStateOf(sale, useNow(saleClock))
  if (saleState === 'OVER') return <p class="soft">{words.ended}</p>
  const [until, label] = saleState === 'SOON' ? [sale.opensAt, words.opensIn] : [sale.closesAt, words.endsIn]
  return <Countdown until={until} clock={saleClock} label={label} />
}
