import { number } from '../../shared/language.ts'
import { useConnection, useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'

/** The audit's latest verdict in one line, or that there is none. */
export function AuditLine() {
  const { audit: words, lost } = useWords()
  const isLost = useConnection() === 'LOST'
  const frame = useFrames().at(-1)
  const audit = frame?.audit
  const state = isLost ? 'lost' : (audit?.state ?? 'unknown')
  return (
    <div class={`audit ${state}`}>
      <p role="status">
        <strong>{isLost ? lost : words[audit?.state ?? 'unknown']}</strong>
        {!isLost && audit?.state === 'wrong' && audit.wrong.map((sentence) => <span key={sentence}> {sentence}</span>)}
      </p>
      <p class="figures">
        {!isLost && frame && audit && words.age(number(Math.max(0, Math.round((frame.atMs - audit.atMs) / 1_000))))}
      </p>
    </div>
  )
}
