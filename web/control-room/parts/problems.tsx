import { number } from '../../shared/language.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'

/** What needs an operator: services that are not ready, and dead letters; empty while all is well. */
export function Problems() {
  const { problems: words, deadLetters } = useWords()
  const { problems, queues } = useFrames().at(-1) ?? {}
  return (
    <div class="problems" role="status">
      {problems?.map(({ service, check, code, detail }) => (
        <p key={`${service} ${check}`}>
          <strong>{words.notReady(service)}</strong> <code>{code}</code> {detail}
        </p>
      ))}
      {queues && queues.deadLetters > 0 && (
        <p>
          <a href="#dead-letters">
            {deadLetters.title}: {number(queues.deadLetters)}
          </a>
        </p>
      )}
    </div>
  )
}
