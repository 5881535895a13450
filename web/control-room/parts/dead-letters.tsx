import { useEffect, useState } from 'preact/hooks'
import type { DeadLetterPage, SentBack } from '../../../core/contracts/control-room.ts'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Panel, RowButton } from './panel.tsx'
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
    <Panel id="dead-letters" title={words.title}>
      <p class={count ? 'warning' : 'hint'}>{count ? words.count(number(count)) : words.none}</p>
      <Refused refusal={sending.refusal ?? looking.refusal} />
      <p role="status">{kept > 0 && words.kept(number(kept))}</p>
      <ul>
        {letters.map(({ id, queue, reason, why }) => (
          <li key={id}>
            <span class="name">
              <strong>{queue ?? words.unknown}</strong> {reason}
              {why !== null && `: ${why}`}
            </span>
            <RowButton label={words.sendOf(id)} disabled={sending.isBusy} onClick={() => void send({ ids: [id] })}>
              {words.sendBack}
            </RowButton>
          </li>
        ))}
      </ul>
      {count ? (
        <button class="button quiet" disabled={sending.isBusy} onClick={() => void send({ all: true })}>
          {words.sendAll}
        </button>
      ) : null}
    </Panel>
  )
}
