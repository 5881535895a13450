import { useEffect, useState } from 'preact/hooks'
import { SettingsBar } from '../shared/settings-bar.tsx'
import { Charts } from './charts/charts.tsx'
import { Labs } from './labs/labs.tsx'
import { useConnection } from './live.ts'
import { AuditLine } from './parts/audit-line.tsx'
import { Blacklist } from './parts/blacklist.tsx'
import { DeadLetters } from './parts/dead-letters.tsx'
import { Problems } from './parts/problems.tsx'
import { Processes } from './parts/processes.tsx'
import { Crowd } from './parts/crowd.tsx'
import { Ready } from './parts/ready.tsx'
import { SalePicker } from './parts/sale-picker.tsx'
import { Sales } from './parts/sales.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { Story } from './parts/story.tsx'
import { useToken } from './session.ts'
import { useWords } from './words/words.ts'

export function App() {
  const words = useWords()
  const connection = useConnection()
  useEffect(() => {
    document.title = words.brand
  }, [words])
  const [view, setView] = useState<View>(location.hash === '#labs' ? 'labs' : 'live')
  const show = (next: View) => {
    history.replaceState(null, '', next === 'labs' ? '#labs' : location.pathname)
    setView(next)
  }
  const isOut = useToken() === '' || connection === 'REFUSED'
  return (
    <>
      <header class="top">
        <p class="brand">{words.brand}</p>
        {!isOut && <Views view={view} show={show} />}
        {!isOut && view === 'live' && <SalePicker />}
        {!isOut && (
          <p class={`connection ${connection.toLowerCase()}`} role="status">
            {words.connection[connection]}
          </p>
        )}
        <SettingsBar />
      </header>
      {isOut && <SignIn isRefused={connection === 'REFUSED'} />}
      {!isOut && (view === 'labs' ? <Labs /> : <Room isLost={connection === 'LOST'} />)}
    </>
  )
}

const VIEWS = ['live', 'labs'] as const
type View = (typeof VIEWS)[number]

function Views({ view, show }: { view: View; show: (view: View) => void }) {
  const { views: words } = useWords()
  return (
    <nav class="views" aria-label={words.all}>
      {VIEWS.map((each) => (
        <button
          key={each}
          class="button quiet small"
          aria-current={each === view ? 'page' : undefined}
          onClick={() => show(each)}
        >
          {words[each]}
        </button>
      ))}
    </nav>
  )
}

function Room({ isLost }: { isLost: boolean }) {
  const words = useWords()
  return (
    <main class={isLost ? 'room lost' : 'room'}>
      <h1 class="unseen">{words.brand}</h1>
      <AuditLine />
      <Problems />
      {/* On a projector the charts stay beside the panels, and scroll away above the story. */}
      <div class="live">
        <Charts />
        <div class="panels">
          <Crowd />
          <Processes />
          <DeadLetters />
          <Sales />
          <Blacklist />
          <Ready />
        </div>
      </div>
      <Story />
    </main>
  )
}
