import { useEffect, useState } from 'preact/hooks'
import { useAction } from '../action.ts'
import { shown } from '../charts/figure.tsx'
import { SAGA_STATES, type SagaPage } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Refused } from './refused.tsx'

const SHOWN_MAX = 10

/** Orders that lock a coupon and spend points, step by step. Looked at while this is open. */
export function Sagas() {
  const { sagas: words } = useWords()
  const { act, refusal } = useAction()
  const [isOpen, setOpen] = useState(false)
  const [found, setFound] = useState<SagaPage>()
  const { atMs } = useFrames().at(-1) ?? {}
  useEffect(() => {
    if (isOpen) void act<SagaPage>(`/sagas?limit=${SHOWN_MAX}`).then(setFound)
  }, [isOpen, atMs])
  return (
    <section class="panel sagas" aria-labelledby="sagas-title">
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <h2 id="sagas-title">{words.title}</h2>
        </summary>
        <Refused refusal={refusal} />
        {found && <Counts counts={found.counts} />}
        {found && (found.sagas.length > 0 ? <Table sagas={found.sagas} /> : <p class="hint">{words.none}</p>)}
      </details>
    </section>
  )
}

function Counts({ counts }: Pick<SagaPage, 'counts'>) {
  const {
    sagas: { states },
  } = useWords()
  return (
    <dl class="legend figures">
      {SAGA_STATES.map((state) => (
        <div key={state}>
          <dt>{states[state]}</dt>
          <dd>{shown(counts[state])}</dd>
        </div>
      ))}
    </dl>
  )
}

function Table({ sagas }: Pick<SagaPage, 'sagas'>) {
  const { sagas: words } = useWords()
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.order}</th>
          <th scope="col">{words.state}</th>
          <th scope="col">{words.step}</th>
        </tr>
      </thead>
      <tbody>
        {sagas.map(({ orderId, state, step, reason }) => (
          <tr key={orderId}>
            <td>{orderId.slice(0, 8)}</td>
            <td>
              {words.states[state]}
              {reason !== null && `, ${reason}`}
            </td>
            <td>{step}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
