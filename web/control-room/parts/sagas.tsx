import { useEffect, useState } from 'preact/hooks'
import { useAction } from '../action.ts'
import type { Saga } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Refused } from './refused.tsx'

const SHOWN_MAX = 10

/** Orders that lock a coupon and spend points, step by step. Looked at while this is open. */
export function Sagas() {
  const { sagas: words } = useWords()
  const { act, refusal } = useAction()
  const [isOpen, setOpen] = useState(false)
  const [sagas, setSagas] = useState<Saga[]>()
  const { atMs } = useFrames().at(-1) ?? {}
  useEffect(() => {
    if (isOpen) void act<{ sagas: Saga[] }>('/sagas').then((body) => setSagas(body?.sagas))
  }, [isOpen, atMs])
  return (
    <section class="panel sagas" aria-labelledby="sagas-title">
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary><h2 id="sagas-title">{words.title}</h2></summary>
        {refusal?.code === 'NOT_FOUND' ? <p class="hint">{words.unavailable}</p> : <Refused refusal={refusal} />}
        {sagas?.length === 0 && <p class="hint">{words.none}</p>}
        {sagas && sagas.length > 0 && (
          <table>
            <thead><tr><th scope="col">{words.order}</th><th scope="col">{words.state}</th><th scope="col">{words.step}</th></tr></thead>
            <tbody>
              {sagas.slice(0, SHOWN_MAX).map(({ orderId, state, step, reason }) => (
                <tr key={orderId}><td>{orderId.slice(0, 8)}</td><td>{state}{reason !== null && `, ${reason}`}</td><td>{step ?? '–'}</td></tr>
              ))}
            </tbody>
          </table>
        )}
      </details>
    </section>
  )
}
