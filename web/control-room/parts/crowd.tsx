import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useAction } from '../action.ts'
import { shown } from '../charts/figure.tsx'
import { GROUPS, type CrowdRequest, type CrowdView } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useShownSale } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'
import { Refused } from './refused.tsx'

/** Within the capacity of two cores beside a browser, and enough for a queue. */
const BUYERS = 8_000
const SECONDS = 12
const BUYERS_MAX = 20_000
const SECONDS_MAX = 60

/** Sends simulated buyers, and shows what they did. */
export function Crowd() {
  const { crowd: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const { crowd } = useFrames().at(-1) ?? {}
  const isRunning = crowd?.state === 'RUNNING' || crowd?.state === 'PAYING'
  const submit = (request: CrowdRequest) => void act('/crowd', { method: 'POST', body: request })
  return (
    <section class="panel crowd" aria-labelledby="crowd-title">
      <h2 id="crowd-title">{words.title}</h2>
      <CrowdForm isDisabled={isBusy || isRunning} onSubmit={submit}>
        <button
          class="button quiet"
          type="button"
          disabled={!isRunning}
          onClick={() => void act('/crowd', { method: 'DELETE' })}
        >
          {words.stop}
        </button>
      </CrowdForm>
      <Refused refusal={refusal} />
      {crowd ? <CrowdResult crowd={crowd} /> : <p class="hint">{words.none}</p>}
    </section>
  )
}

function CrowdForm({
  isDisabled,
  onSubmit,
  children,
}: {
  isDisabled: boolean
  onSubmit: (request: CrowdRequest) => void
  children: ComponentChildren
}) {
  const { crowd: words } = useWords()
  const shownSale = useShownSale()
  const [buyers, setBuyers] = useState(BUYERS)
  const [seconds, setSeconds] = useState(SECONDS)
  const [saleId, setSaleId] = useState('')
  // When another sale is shown, the chosen one is no longer an option of the field.
  const target = saleId === shownSale?.saleId ? saleId : ''
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    onSubmit({ buyers, seconds, ...(target !== '' && { saleId: target }) })
  }
  return (
    <form class="row" onSubmit={submit}>
      <label class="field">
        <span>{words.buyers}</span>
        <input
          type="number"
          min={1}
          max={BUYERS_MAX}
          required
          value={buyers}
          onInput={({ currentTarget }) => setBuyers(currentTarget.valueAsNumber)}
        />
      </label>
      <label class="field">
        <span>{words.seconds}</span>
        <input
          type="number"
          min={1}
          max={SECONDS_MAX}
          required
          value={seconds}
          onInput={({ currentTarget }) => setSeconds(currentTarget.valueAsNumber)}
        />
      </label>
      <label class="field where">
        <span>{words.where}</span>
        <select value={target} onChange={({ currentTarget }) => setSaleId(currentTarget.value)}>
          <option value="">{words.ownSale}</option>
          {shownSale && <option value={shownSale.saleId}>{shownSale.title}</option>}
        </select>
      </label>
      <button class="button" disabled={isDisabled}>
        {words.send}
      </button>
      {children}
    </form>
  )
}

function CrowdResult({ crowd }: { crowd: CrowdView }) {
  const { crowd: words, groups, seconds } = useWords()
  const figures: [string, number][] = [
    [words.rate, crowd.perSecond],
    [words.rateMax, crowd.perSecondMax],
    [words.asked, crowd.asked],
    ...GROUPS.map((group): [string, number] => [groups[group], crowd.answers[group]]),
    [words.unanswered, crowd.unanswered],
    [words.paid, crowd.paid],
  ]
  return (
    <div class="result" data-crowd={crowd.state}>
      <p>
        <strong>{words.states[crowd.state]}</strong>{' '}
        <span class="figures">{seconds(Math.round(crowd.elapsedSeconds))}</span>
      </p>
      <dl class="figures">
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
