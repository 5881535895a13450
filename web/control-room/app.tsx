import { useEffect } from 'preact/hooks'
import { SettingsBar } from '../shared/settings-bar.tsx'
import { Charts } from './charts/charts.tsx'
import { useConnection, useFrames } from './live.ts'
import { AuditLine } from './parts/audit-line.tsx'
import { DeadLetters } from './parts/dead-letters.tsx'
import { Problems } from './parts/problems.tsx'
import { Processes } from './parts/processes.tsx'
import { Crowd } from './parts/crowd.tsx'
import { SalePicker } from './parts/sale-picker.tsx'
import { Sagas } from './parts/sagas.tsx'
import { Sales } from './parts/sales.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { useToken } from './session.ts'
import { useWords } from './words/words.ts'

/** A launcher that is slow for a moment is still there: its processes do not vanish under the pointer. */
const LATE_FRAMES_MAX = 3

export function App() {
  const words = useWords()
  const connection = useConnection()
  useEffect(() => {
    document.title = words.brand
  }, [words])
  const isOut = useToken() === '' || connection === 'REFUSED'
  return (
    <>
      <header class="top">
        <p class="brand">{words.brand}</p>
        {!isOut && <SalePicker />}
        {!isOut && (
          <p class={`connection ${connection.toLowerCase()}`} role="status">
            {words.connection[connection]}
          </p>
        )}
        <SettingsBar />
      </header>
      {isOut ? <SignIn isRefused={connection === 'REFUSED'} /> : <Room />}
    </>
  )
}

function Room() {
  const words = useWords()
  const isLost = useConnection() === 'LOST'
  const { processes } =
    useFrames()
      .slice(-LATE_FRAMES_MAX)
      .findLast((frame) => frame.processes !== null) ?? {}
  return (
    <main class={isLost ? 'room lost' : 'room'}>
      <h1 class="unseen">{words.brand}</h1>
      <AuditLine />
      <Problems />
      <Charts />
      <div class="side">
        <Crowd />
        <Processes processes={processes ?? null} />
      </div>
      <div class="below">
        <Sales />
        <DeadLetters />
        <Sagas />
      </div>
    </main>
  )
}
