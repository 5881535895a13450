import type { Phase } from '../phase.ts'
import { useWords } from '../words/words.ts'

type Mark = 'DONE' | 'NOW' | 'TO_DO' | 'FAILED'

/** How far each of the three steps is: the unit, the order, the money. */
const MARKS: Record<Exclude<Phase, 'IDLE'>, [Mark, Mark, Mark]> = {
  MAKING: ['DONE', 'NOW', 'TO_DO'],
  CHECKING: ['DONE', 'NOW', 'TO_DO'],
  TO_PAY: ['DONE', 'DONE', 'NOW'],
  PAID: ['DONE', 'DONE', 'DONE'],
  CANCELLED: ['DONE', 'DONE', 'FAILED'],
  REJECTED: ['DONE', 'FAILED', 'TO_DO'],
  REFUNDED: ['DONE', 'DONE', 'FAILED'],
}

/** Where the purchase stands. */
export function Timeline({ phase }: { phase: Exclude<Phase, 'IDLE'> }) {
  const { steps } = useWords()
  const names = [
    steps.got,
    phase === 'MAKING' ? steps.making : phase === 'CHECKING' ? steps.checking : steps.made,
    phase === 'PAID' ? steps.paid : steps.pay,
  ]
  return (
    <ol class="timeline" aria-label={steps.title}>
      {names.map((name, i) => {
        const mark = MARKS[phase][i] ?? 'TO_DO'
        return (
          <li key={i} class={mark.toLowerCase()} aria-current={mark === 'NOW' ? 'step' : undefined}>
            <Sign mark={mark} />
            <span>{name}</span>
          </li>
        )
      })}
    </ol>
  )
}

function Sign({ mark }: { mark: Mark }) {
  return (
    <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="10" />
      {mark === 'DONE' && <path d="m7.5 12.5 3 3 6-6.5" />}
      {mark === 'FAILED' && <path d="m8.5 8.5 7 7m0-7-7 7" />}
      {mark === 'NOW' && <circle class="dot" cx="12" cy="12" r="3.5" />}
    </svg>
  )
}
