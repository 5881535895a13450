import type { ProcessAction, ProcessView } from '../../../core/contracts/control-room.ts'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Panel, RowButton } from './panel.tsx'
import { Refused } from './refused.tsx'

/** A launcher that is slow for a moment is still there: its processes do not vanish under the pointer. */
const LATE_FRAMES_MAX = 3

/** The demo's processes. One that is killed here is restarted by the launcher. */
export function Processes() {
  const { processes: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const frames = useFrames()
  const { processes } = frames.slice(-LATE_FRAMES_MAX).findLast((frame) => frame.processes !== null) ?? {}
  const ask = (name: string, action: ProcessAction) => void act(`/processes/${name}/${action}`, { method: 'POST' })
  return (
    <Panel id="processes" title={words.title}>
      <Refused refusal={refusal} />
      {!processes && <p class="hint">{words.none}</p>}
      <ul>
        {processes?.map((process) => {
          const { name, state } = process
          const isPaused = state === 'PAUSED'
          const disabled = isBusy || process.protected || !(isPaused || state === 'RUNNING')
          const toggle = isPaused ? 'resume' : 'pause'
          return (
            <li key={name} data-process={name} data-state={state}>
              <span class={`lamp ${state.toLowerCase()}`} />
              <span class="name">{name}</span>
              <State process={process} nowMs={frames.at(-1)?.atMs ?? 0} />
              <span class="actions">
                <RowButton label={words.killOf(name)} disabled={disabled} onClick={() => ask(name, 'kill')}>
                  {words.kill}
                </RowButton>
                <RowButton label={words.restartOf(name)} disabled={disabled} onClick={() => ask(name, 'restart')}>
                  {words.restart}
                </RowButton>
                <RowButton label={words[`${toggle}Of`](name)} disabled={disabled} onClick={() => ask(name, toggle)}>
                  {words[toggle]}
                </RowButton>
              </span>
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}

function State({ process: { state, startedAtMs, restarts }, nowMs }: { process: ProcessView; nowMs: number }) {
  const { processes: words, seconds, minutes, hours } = useWords()
  const ageSeconds = startedAtMs === null ? 0 : Math.max(0, Math.round((nowMs - startedAtMs) / 1_000))
  const age =
    ageSeconds < 60
      ? seconds(ageSeconds)
      : ageSeconds < 3_600
        ? minutes(Math.floor(ageSeconds / 60))
        : hours(Math.floor(ageSeconds / 3_600))
  return (
    <span class="state figures">
      {restarts > 0 && `${words.restarts(number(restarts))}, `}
      <span class={state === 'RUNNING' ? 'unseen' : ''}>{words.states[state]} </span>
      {startedAtMs !== null && age}
    </span>
  )
}
