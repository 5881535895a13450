import { useState } from 'preact/hooks'
import type { StoriesView, StoryTrace, StoryView } from '../../../core/contracts/control-room.ts'
import { language, number } from '../../shared/language.ts'
import { useStore } from '../../shared/store.ts'
import { useAction } from '../action.ts'
import { useWords } from '../words/words.ts'
import { Field, Panel } from './panel.tsx'
import { Refused } from './refused.tsx'

/** Follows one order over all services: what happened to it, and when. */
export function Story() {
  const { story: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const [stories, setStories] = useState<StoryView[]>([])
  const follow = async (event: SubmitEvent) => {
    event.preventDefault()
    const id = new FormData(event.currentTarget as HTMLFormElement).get('id')
    if (typeof id !== 'string') return
    const answer = await act<StoriesView>(`/stories/${encodeURIComponent(id.trim())}`)
    setStories(answer?.stories ?? [])
  }
  return (
    <Panel id="story" title={words.title}>
      <form class="row" onSubmit={(event) => void follow(event)}>
        <Field label={words.id} name="id" maxLength={255} spellcheck={false} autocomplete="off" />
        <button class="button" disabled={isBusy}>
          {words.follow}
        </button>
      </form>
      <Refused refusal={refusal} />
      <p class="hint" role="status">
        {stories.length === 0 ? words.hint : words.found(number(stories.length))}
      </p>
      {stories.map((each) => (
        <Steps key={each.reservationId} {...each} />
      ))}
    </Panel>
  )
}

function Steps({ reservationId, buyerId, steps, trace }: StoryView) {
  const spoken = useStore(language)
  const beganMs = Date.parse(steps[0]?.at ?? '')
  return (
    <section class="story" aria-label={reservationId}>
      <h3>
        {reservationId} · {buyerId}
      </h3>
      <ol>
        {steps.map(({ at, service, says }, i) => (
          <li key={i} class={service}>
            <time dateTime={at} title={at} class="figures">
              {afterText(Date.parse(at) - beganMs)}
            </time>
            <strong>{service}</strong>
            <span>{says[spoken]}</span>
          </li>
        ))}
      </ol>
      {trace && <Spans {...trace} beganMs={beganMs} />}
    </section>
  )
}

/** What the services did meanwhile, from the trace store: the bar of a span is as long as it took, by the slowest. */
function Spans({ id, spans, beganMs }: StoryTrace & { beganMs: number }) {
  const { story: words } = useWords()
  const slowestMs = Math.max(...spans.map(({ ms }) => ms))
  return (
    <details class="spans" open>
      <summary>{words.trace(id, number(spans.length))}</summary>
      <ol>
        {spans.map(({ at, ms, service, name, failed, depth }, i) => (
          <li key={i} class={service}>
            <time dateTime={at} title={at} class="figures">
              {afterText(Date.parse(at) - beganMs)}
            </time>
            <strong>{service}</strong>
            <span class="span">
              <span style={{ paddingInlineStart: `${depth}rem` }}>
                {name}
                {failed && <em>{words.failed}</em>}
              </span>
              <span class="figures">{ms.toFixed(1)} ms</span>
              <span class={failed ? 'took failed' : 'took'} style={{ width: `${(100 * ms) / slowestMs}%` }} />
            </span>
          </li>
        ))}
      </ol>
    </details>
  )
}

/** A span may begin before the first fact: the request does before its reservation. */
function afterText(ms: number): string {
  const sign = ms < 0 ? '−' : '+'
  return Math.abs(ms) < 10_000 ? `${sign}${Math.abs(ms)} ms` : `${sign}${number(Math.round(Math.abs(ms) / 1_000))} s`
}
