import { useEffect } from 'preact/hooks'
import { SettingsBar } from '../shared/settings-bar.tsx'
import { Charts } from './charts/charts.tsx'
import { useConnection } from './live.ts'
import { AuditLine } from './parts/audit-line.tsx'
import { DeadLetters } from './parts/dead-letters.tsx'
import { Problems } from './parts/problems.tsx'
import { Processes } from './parts/processes.tsx'
import { Crowd } from './parts/crowd.tsx'
import { SalePicker } from './parts/sale-picker.tsx'
import { Sales } from './parts/sales.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { useToken } from './session.ts'
import { useWords } from './words/words.ts'

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
      {isOut ? <SignIn isRefused={connection === 'REFUSED'} /> : <Room isLost={connection === 'LOST'} />}
    </>
  )
}

function Room({ isLost }: { isLost: boolean }) {
  const words = useWords()
  return (
    <main class={isLost ? 'room lost' : 'room'}>
      <h1 class="unseen">{words.brand}</h1>
      <AuditLine />
      <Problems />
      <Charts />
      <div class="panels">
        <Crowd />
        <Processes />
        <DeadLetters />
        <Sales />
      </div>
    </main>
  )
}
