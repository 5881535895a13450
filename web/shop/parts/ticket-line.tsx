import type { SaleView } from '../contract.ts'
import { FINAL, type TicketState } from '../tickets.ts'
import { useWords } from '../words/words.ts'
import { Advice } from './advice.tsx'

/**
 * Where the buyer's ticket stands. Its steps are read out; the progress of the work is not, since it changes too
 * often.
 */
export function TicketLine({ sale, state: { phase, share, refusal } }: { sale: SaleView; state: TicketState }) {
  const { ticket: words } = useWords()
  const isFinal = refusal !== undefined && FINAL.has(refusal.code)
  return (
    <div class="ticket">
      <p class="soft" role="status">
        {!isFinal &&
          (phase === 'NONE' ? words.later(sale.opening?.ticket?.fromMinutesBefore ?? 0) : words.phases[phase])}
      </p>
      {phase === 'WORKING' && <progress value={share} max={1} aria-label={words.progress} />}
      {isFinal && <Advice code={refusal.code} />}
    </div>
  )
}
