import { useEffect, useState } from 'preact/hooks'
import type { ChangePage } from '../../../core/contracts/control-room.ts'
import type { Opening } from '../../../core/contracts/opening.ts'
import { language } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useWords } from '../words/words.ts'
import { openingText } from './opening-fields.tsx'
import { Refused } from './refused.tsx'

type Change = ChangePage['changes'][number]

/** The API has them all. */
const SHOWN_MAX = 8

/** Who changed what when, the newest first; read again whenever `mark` changes. */
export function ChangeLog({ path, mark }: { path: string; mark: string }) {
  const { changes: words } = useWords()
  const { act, refusal } = useAction()
  const [found, setFound] = useState<Change[]>()
  useEffect(() => {
    void act<ChangePage>(`${path}${path.includes('?') ? '&' : '?'}limit=${SHOWN_MAX}`).then((page) => {
      if (page) setFound(page.changes)
    })
  }, [path, mark])
  return (
    <section class="changes" aria-label={words.log}>
      <h3>{words.log}</h3>
      <Refused refusal={refusal} />
      {found?.length === 0 && <p class="hint">{words.none}</p>}
      <ChangeList changes={found ?? []} />
    </section>
  )
}

export function ChangeList({ changes }: { changes: Change[] }) {
  const { changes: words, opening } = useWords()
  return (
    <ul class="change-list">
      {changes.map(({ id, field, from, to, operator, at }) => (
        <li key={id} data-field={field}>
          <time class="figures" dateTime={at}>
            {timeText(at)}
          </time>
          <span class="name">
            <strong>{operator}</strong> {words.fields[field] ?? field}: {valueText(field, from)} →{' '}
            {valueText(field, to)}
          </span>
        </li>
      ))}
    </ul>
  )

  function valueText(field: string, value: unknown): string {
    if (typeof value === 'boolean') return value ? words.stopped : words.running
    if (field === 'opensAt' || field === 'closesAt') return timeText(String(value))
    if (field === 'opening') return openingText(value as Opening) || opening.plain
    if (typeof value === 'object' && value !== null) return Object.keys(value).join(', ') || '–'
    return String(value)
  }
}

const timeText = (iso: string) =>
  new Date(iso).toLocaleString(language.get() === 'zh' ? 'zh-CN' : 'en-GB', { dateStyle: 'short', timeStyle: 'medium' })
