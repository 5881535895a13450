import type { ServerClock } from '../../shared/clock.ts'
import { useNow } from '../../shared/use-now.ts'
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
      <span class="label">{label}</span>
      <span class="figures" role="timer" aria-label={label}>
        {days > 0 && <>{words.days(days)} </>}
        {time}
      </span>
    </div>
  )
}
