import type { Refusal } from '../../shared/api.ts'
import { language, number } from '../../shared/language.ts'
import { useWords } from '../words/words.ts'

/** Why something was not done; in English with the server's own words, which name the field. */
export function Refused({ refusal }: { refusal: Refusal | undefined }) {
  const words = useWords()
  const text = refusal && (words.refusals[refusal.code] ?? words.refusals.INTERNAL)
  return (
    <p class="refused" role="alert">
      {text}
      {refusal?.least === undefined ? '' : ` ${words.changes.least(number(refusal.least))}`}
      {refusal?.detail && isServersWordShown(refusal) ? ` ${refusal.detail}` : ''}
    </p>
  )
}

/** Not where the page shows the same in its own words. */
const isServersWordShown = ({ least, changes }: Refusal) =>
  language.get() === 'en' && least === undefined && changes === undefined
