import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'

/** The services that are not ready, and why; nothing while all are. */
export function Problems() {
  const { problems: words } = useWords()
  const problems = useFrames().at(-1)?.problems ?? []
  return (
    <ul class="problems" aria-label={words.title} role="status">
      {problems.map(({ service, check, code, detail }) => (
        <li key={`${service} ${check}`}>
          <strong>{words.notReady(service)}</strong> <code>{code}</code> {detail}
        </li>
      ))}
    </ul>
  )
}
