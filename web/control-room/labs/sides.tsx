import type { LabSideView } from '../../../core/contracts/labs.ts'
import { language, number } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { useWords } from '../words/words.ts'

/** Without the protection at the left, with it at the right. */
export function Sides({ sides }: { sides: LabSideView[] }) {
  const { labs: words } = useWords()
  return (
    <div class="sides">
      {(['BREAKS', 'HOLDS'] as const).map((expected) => (
        <section key={expected}>
          <h2>{words.expected[expected]}</h2>
          {sides
            .filter((side) => side.expected === expected)
            .map((side) => (
              <Side key={side.id} side={side} />
            ))}
        </section>
      ))}
    </div>
  )
}

function Side({ side: { id, name, diff, entries, latest, verdict } }: { side: LabSideView }) {
  const { labs: words } = useWords()
  const now = useStore(language)
  const state = verdict ? (verdict.holds ? 'holds' : 'breaks') : 'going-on'
  return (
    <article class={`panel side ${state}`} data-side={id}>
      <h3>{name[now]}</h3>
      {diff.length > 0 && <Diff lines={diff} />}
      {verdict ? (
        <p class="verdict">
          <strong>{words.verdicts[verdict.holds ? 'HOLDS' : 'BREAKS']}</strong> {verdict.says[now]}
        </p>
      ) : (
        <p class="hint">
          {words.entries(number(entries))} <code>{latest}</code>
        </p>
      )}
      {verdict && verdict.lines.length > 0 && (
        <pre class={isColumns(verdict.lines) ? '' : 'sentences'} tabIndex={0} aria-label={words.details}>
          {verdict.lines.join('\n')}
        </pre>
      )}
    </article>
  )
}

/** Columns stay beside one another and scroll; a sentence wraps. */
const COLUMNS_MAX = 100
const isColumns = (lines: string[]) => lines.every((line) => line.length <= COLUMNS_MAX)

function Diff({ lines: [file, ...lines] }: { lines: string[] }) {
  const { labs: words } = useWords()
  return (
    <pre class="diff" tabIndex={0} aria-label={words.diff}>
      {file}
      {lines.map((line, i) => (
        <span key={i} class={line.startsWith('-') ? 'removed' : 'added'}>
          {`\n${line}`}
        </span>
      ))}
    </pre>
  )
}
