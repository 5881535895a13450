import { useState } from 'preact/hooks'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useWords } from '../words/words.ts'
import { Field, Panel, textOf } from './panel.tsx'
import { Refused } from './refused.tsx'

/** Many buyers at once are barred from every sale, or admitted again. */
export function Blacklist() {
  const { blacklist: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const [done, setDone] = useState<{ listed: number; unlisted: number }>()
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = event.currentTarget as HTMLFormElement
    const data = new FormData(form)
    const buyers = textOf(data, 'buyers')
      .split('\n')
      .map((line) => line.trim())
      .filter((id) => id !== '')
    const isListing = (event.submitter as HTMLButtonElement | null)?.value !== 'unlist'
    setDone(undefined)
    const body = isListing ? { list: buyers, reason: textOf(data, 'reason') || words.noReason } : { unlist: buyers }
    const answer = await act<{ listed: number; unlisted: number }>('/blacklist', { method: 'PATCH', body })
    if (!answer) return
    setDone(answer)
    form.reset()
  }
  return (
    <Panel id="blacklist" title={words.title}>
      <form onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>{words.buyers}</span>
          <textarea name="buyers" rows={3} required />
        </label>
        <Field label={words.reason} name="reason" maxLength={200} required={false} />
        <p class="buttons">
          <button class="button small" value="list" disabled={isBusy}>
            {words.list}
          </button>
          <button class="button quiet small" value="unlist" disabled={isBusy}>
            {words.unlist}
          </button>
        </p>
      </form>
      <Refused refusal={refusal} />
      <p role="status">{done && words.done(number(done.listed), number(done.unlisted))}</p>
    </Panel>
  )
}
