import { useEffect, useState } from 'preact/hooks'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import type { DeadLetterPage, SentBack } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Refused } from './refused.tsx'

/** Of the oldest ones; the command line has them all. */
const SHOWN_MAX = 5

export function DeadLetters() {
  const { deadLetters: words } = useWords()
  const looking = useAction()
  const sending = useAction()
  const [found, setFound] = useState<DeadLetterPage>()
  const [kept, setKept] = useState(0)
  const count = useFrames().at(-1)?.queues?.deadLetters
  const look = async () => setFound((await looking.act<DeadLetterPage>(`/dead-letters?limit=${SHOWN_MAX}`)) ?? found)
  // Their number is in every frame; they are looked through when it changes.
  useEffect(() => {
    if (count !== undefined && count > 0) void look()
  }, [count])
  const send = async (choice: { ids: string[] } | { all: true }) => {
    const answer = await sending.act<SentBack>('/dead-letters/send-back', { method: 'POST', body: choice })
    setKept(answer?.kept.length ?? 0)
    await look()
  }
  const letters = count ? (found?.letters ?? []) : []
  return (
    <section class="panel dead-letters" aria-labelledby="dead-letters-title">
      <h2 id="dead-letters-title">{words.title}</h2>
      <p class={count ? 'warning' : 'hint'}>{count ? words.count(number(count)) : words.none}</p>
      <Refused refusal={sending.refusal ?? looking.refusal} />
      <p role="status">{kept > 0 && words.kept(number(kept))}</p>
      <ul>
        {letters.map(({ id, queue, reason, why }) => (
          <li key={id}>
            <span>
              <strong>{queue ?? words.unknown}</strong> {reason}
              {why !== null && `: ${why}`}
            </span>
            <button
              class="button quiet small"
              aria-label={words.sendOf(id)}
              disabled={sending.isBusy}
              onClick={() => void send({ ids: [id] })}
            >
              {words.sendBack}
            </button>
          </li>
        ))}
      </ul>
      <button class="button quiet" disabled={!count || sending.isBusy} onClick={() => void send({ all: true })}>
        {words.sendAll}
      </button>
    </section>
  )
}
