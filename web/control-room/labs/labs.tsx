import { useEffect, useState } from 'preact/hooks'
import type { LabRunView, LabsView, LabView } from '../../../core/contracts/labs.ts'
import { language } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { type Action, useAction } from '../action.ts'
import { Panel } from '../parts/panel.tsx'
import { Refused } from '../parts/refused.tsx'
import { useWords } from '../words/words.ts'
import { Figures } from './figures.tsx'
import { Pictures } from './pictures.tsx'
import { Sides } from './sides.tsx'

const LOOK_EVERY_MS = 500
const RETRY_MS = 3_000

/** Choose a lab, predict, run it, watch it, and see before and after side by side. */
export function Labs() {
  const { labs: words } = useWords()
  const action = useAction()
  const [found, setFound] = useState<LabsView>()
  const [chosen, setChosen] = useState<string>()
  const look = async () => {
    const labs = await action.act<LabsView>('/labs')
    if (labs) setFound(labs)
  }
  // Until the labs are found, and while one runs.
  const everyMs = found === undefined ? RETRY_MS : found.run?.state === 'RUNNING' ? LOOK_EVERY_MS : undefined
  useEffect(() => {
    void look()
    const timer = everyMs === undefined ? undefined : setInterval(() => void look(), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  if (!found)
    return (
      <main class="labs">
        <p class="hint">{words.looking}</p>
        <Refused refusal={action.refusal} />
      </main>
    )
  if (!found.available)
    return (
      <main class="labs">
        <p class="hint">{words.none}</p>
      </main>
    )
  const lab = found.labs.find(({ name }) => name === (chosen ?? found.run?.lab)) ?? found.labs[0]
  const setRun = (run: LabRunView | undefined) => run && setFound({ ...found, run })
  return (
    <main class="labs">
      <h1 class="unseen">{words.title}</h1>
      <Choice labs={found.labs} chosen={lab?.name ?? ''} choose={setChosen} />
      <Refused refusal={action.refusal} />
      {lab && <Bench key={lab.name} lab={lab} run={found.run} onRun={setRun} action={action} />}
    </main>
  )
}

function Choice({ labs, chosen, choose }: { labs: LabView[]; chosen: string; choose: (name: string) => void }) {
  const { labs: words } = useWords()
  const now = useStore(language)
  return (
    <label class="field lab-choice">
      <span>{words.choose}</span>
      <select value={chosen} onChange={(event) => choose(event.currentTarget.value)}>
        {labs.map(({ name, title }) => (
          <option key={name} value={name}>
            {title[now]}
          </option>
        ))}
      </select>
    </label>
  )
}

interface BenchProps {
  lab: LabView
  run: LabRunView | null
  onRun: (run: LabRunView | undefined) => void
  action: Action
}

function Bench({ lab, run, onRun, action: { act } }: BenchProps) {
  const { labs: words } = useWords()
  const now = useStore(language)
  const [prediction, setPrediction] = useState('')
  const [off, setOff] = useState('')
  const isRunning = run?.state === 'RUNNING'
  const shown = run?.lab === lab.name ? run : null
  const start = async (event: Event) => {
    event.preventDefault()
    onRun(await act<LabRunView>(`/labs/${lab.name}`, { method: 'POST', body: off === '' ? {} : { off } }))
  }
  const stop = async () => {
    const answer = await act<{ run: LabRunView }>('/labs', { method: 'DELETE' })
    onRun(answer?.run)
  }
  const predicted = lab.choices[prediction]?.[now] ?? prediction
  return (
    <>
      <Panel id="lab" title={lab.question[now]}>
        <form onSubmit={(event) => void start(event)}>
          <Prediction lab={lab} value={prediction} set={setPrediction} />
          {lab.switches.length > 0 && (
            <label class="field">
              <span>{words.off}</span>
              <select value={off} onChange={(event) => setOff(event.currentTarget.value)}>
                <option value="">{words.eachOff}</option>
                {lab.switches.map((each) => (
                  <option key={each.off} value={each.off}>
                    {each.name[now]}
                  </option>
                ))}
              </select>
            </label>
          )}
          <p class="buttons">
            <button class="button" disabled={isRunning}>
              {words.run}
            </button>
            {isRunning && (
              <button type="button" class="button quiet" onClick={() => void stop()}>
                {words.stop}
              </button>
            )}
          </p>
        </form>
        <p role="status" data-lab={shown?.state}>
          {shown ? words.states[shown.state] : ''}
        </p>
        {shown?.result?.answer && (
          <p class="came">
            {predicted !== '' && `${words.predicted}: ${predicted} · `}
            {words.came}: <strong>{shown.result.answer[now]}</strong>
          </p>
        )}
      </Panel>
      {shown && (
        <div class="outcome">
          <Sides sides={shown.sides} />
          {shown.result && <Figures table={shown.result.table} />}
          {shown.result && <Pictures panels={shown.result.panels} />}
        </div>
      )}
    </>
  )
}

function Prediction({ lab, value, set }: { lab: LabView; value: string; set: (value: string) => void }) {
  const { labs: words } = useWords()
  const now = useStore(language)
  const choices = Object.entries(lab.choices)
  if (choices.length === 0)
    return (
      <label class="field">
        <span>
          {words.predict}: {lab.ask[now]}
        </span>
        <input type="number" value={value} onInput={(event) => set(event.currentTarget.value)} />
      </label>
    )
  return (
    <fieldset>
      <legend>
        {words.predict}: {lab.ask[now]}
      </legend>
      {choices.map(([id, name]) => (
        <label key={id}>
          <input type="radio" name="prediction" checked={value === id} onChange={() => set(id)} /> {name[now]}
        </label>
      ))}
    </fieldset>
  )
}
