import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import type { ProcessView } from '../contract.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Refused } from './refused.tsx'

/** The demo's processes. One that is killed here is restarted by the launcher. */
export function Processes({ processes }: { processes: ProcessView[] | null }) {
  const { processes: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const nowMs = useFrames().at(-1)?.atMs ?? 0
  const post = (name: string, what: 'kill' | 'restart') => void act(`/processes/${name}/${what}`, { method: 'POST' })
  return (
    <section class="panel processes" aria-labelledby="processes-title">
      <h2 id="processes-title">{words.title}</h2>
      <Refused refusal={refusal} />
      {processes ? (
        <ul>
          {processes.map((process) => (
            <li key={process.name} data-process={process.name} data-state={process.state}>
              <Process process={process} nowMs={nowMs} />
              <span class="buttons">
                <button
                  class="button quiet small"
                  aria-label={words.killOf(process.name)}
                  disabled={isBusy || process.protected || process.state !== 'RUNNING'}
                  onClick={() => post(process.name, 'kill')}
                >
                  {words.kill}
                </button>
                <button
                  class="button quiet small"
                  aria-label={words.restartOf(process.name)}
                  disabled={isBusy || process.protected || process.state !== 'RUNNING'}
                  onClick={() => post(process.name, 'restart')}
                >
                  {words.restart}
                </button>
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="hint">{words.none}</p>
      )}
    </section>
  )
}

function Process({ process: { name, state, startedAtMs, restarts }, nowMs }: { process: ProcessView; nowMs: number }) {
  const { processes: words } = useWords()
  const time = useTime()
  return (
    <>
      <span class={`lamp ${state.toLowerCase()}`} />
      <span class="name">{name}</span>
      <span class="state figures">
        {restarts > 0 && `${words.restarts(number(restarts))}, `}
        <span class={state === 'RUNNING' ? 'unseen' : ''}>{words.states[state]} </span>
        {startedAtMs !== null && time(nowMs - startedAtMs)}
      </span>
    </>
  )
}

function useTime(): (ms: number) => string {
  const words = useWords()
  return (ms) => {
    const seconds = Math.max(0, Math.round(ms / 1_000))
    if (seconds < 60) return words.seconds(seconds)
    return seconds < 3_600 ? words.minutes(Math.floor(seconds / 60)) : words.hours(Math.floor(seconds / 3_600))
  }
}
