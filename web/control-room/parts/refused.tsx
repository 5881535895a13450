import type { Refusal } from '../../shared/api.ts'
import { language } from '../../shared/language.ts'
import { useWords } from '../words/words.ts'

/** Why something was not done; in English with the server's own words, which name the field. */
export function Refused({ refusal }: { refusal: Refusal | undefined }) {
  const words = useWords()
  const text = refusal && (words.refusals[refusal.code] ?? words.refusals.INTERNAL)
  return (
    <p class="refused" role="alert">
      {text}
      {refusal?.detail && language.get() === 'en' ? ` ${refusal.detail}` : ''}
    </p>
  )
}
