import type { AdviceCode } from '../words/en.ts'
import { useWords } from '../words/words.ts'

/** The reason of a refusal, and what to do next. */
export function Advice({ code }: { code: AdviceCode }) {
  const { refusals } = useWords()
  const { title, next } = refusals[code] ?? refusals.INTERNAL
  return (
    <div class="advice" role="alert">
      <strong>{title}</strong>
      <p>{next}</p>
    </div>
  )
}
