import {
  CROWD_BUYERS_MAX,
  CROWD_SECONDS_MAX,
  type CrowdRequest,
  type CrowdView,
  REQUEST_GROUPS,
} from '../../../core/contracts/control-room.ts'
import { useAction } from '../action.ts'
import { shown } from '../charts/figure.tsx'
import { useFrames } from '../live.ts'
import { useShownSale } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'
import { Field, Panel } from './panel.tsx'
import { Refused } from './refused.tsx'

/** Within the capacity of two cores beside a browser, and enough for a queue. */
const BUYERS = 8_000
const SECONDS = 12

/** Sends simulated buyers, and shows what they did. */
export function Crowd() {
  const { crowd: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const { crowd } = useFrames().at(-1) ?? {}
  const sale = useShownSale()
  const isRunning = crowd?.state === 'RUNNING' || crowd?.state === 'PAYING'
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const saleId = form.get('saleId')
    const request: CrowdRequest = {
      buyers: Number(form.get('buyers')),
      seconds: Number(form.get('seconds')),
      ...(typeof saleId === 'string' && saleId !== '' && { saleId }),
    }
    void act('/crowd', { method: 'POST', body: request })
  }
  return (
    <Panel id="crowd" title={words.title}>
      <form class="row" onSubmit={send}>
        <Field label={words.buyers} name="buyers" type="number" min={1} max={CROWD_BUYERS_MAX} defaultValue={BUYERS} />
        <Field
          label={words.seconds}
          name="seconds"
          type="number"
          min={1}
          max={CROWD_SECONDS_MAX}
          defaultValue={SECONDS}
        />
        <label class="field">
          <span>{words.where}</span>
          <select name="saleId">
            <option value="">{words.ownSale}</option>
            {/* The key: a choice must not pass on to the sale that is shown next. */}
            {sale && (
              <option key={sale.saleId} value={sale.saleId}>
                {sale.title}
              </option>
            )}
          </select>
        </label>
        {isRunning ? (
          <button class="button quiet" type="button" onClick={() => void act('/crowd', { method: 'DELETE' })}>
            {words.stop}
          </button>
        ) : (
          <button class="button" disabled={isBusy}>
            {words.send}
          </button>
        )}
      </form>
      <Refused refusal={refusal} />
      {crowd ? <Result crowd={crowd} /> : <p class="hint">{words.none}</p>}
    </Panel>
  )
}

function Result({ crowd }: { crowd: CrowdView }) {
  const { crowd: words, groups, seconds } = useWords()
  const figures: [string, number][] = [
    [words.asked, crowd.asked],
    ...REQUEST_GROUPS.map((group): [string, number] => [groups[group], crowd.answers[group]]),
    [words.unanswered, crowd.unanswered],
    [words.paid, crowd.paid],
  ]
  return (
    <div data-crowd={crowd.state}>
      <p>
        <strong>{words.states[crowd.state]}</strong>{' '}
        <span class="figures">{seconds(Math.round(crowd.elapsedSeconds))}</span>
      </p>
      <dl class="result figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{shown(value)}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
