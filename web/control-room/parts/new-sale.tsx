import { useState } from 'preact/hooks'
import { useAction } from '../action.ts'
import { useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { Field } from './panel.tsx'
import { Refused } from './refused.tsx'

const MINUTE_MS = 60_000
/** Clocks of the servers may differ by a little, and the sale is to be open when it is created. */
const ALREADY_MS = 5_000

/** A form for a sale that opens at once. */
export function NewSale({ onCreated }: { onCreated: () => void }) {
  const { sales: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const [isOpen, setOpen] = useState(false)
  // The control room's clock: that of this computer may be wrong.
  const { atMs: nowMs = Date.now() } = useFrames().at(-1) ?? {}
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const created = await act('/sales', {
      method: 'POST',
      body: {
        id: form.get('id'),
        title: form.get('title'),
        priceCents: Number(form.get('priceCents')),
        stock: Number(form.get('stock')),
        shards: Number(form.get('shards')),
        opensAt: new Date(nowMs - ALREADY_MS).toISOString(),
        closesAt: new Date(nowMs + Number(form.get('minutes')) * MINUTE_MS).toISOString(),
      },
    })
    if (!created) return
    setOpen(false)
    onCreated()
  }
  return (
    <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{words.new}</summary>
      <form class="row" onSubmit={(event) => void submit(event)}>
        <Field label={words.name} name="title" maxLength={120} />
        <Field label={words.id} name="id" pattern="[a-z0-9][a-z0-9\-]{0,31}" />
        <Field label={words.stock} name="stock" type="number" min={1} max={10_000_000} defaultValue={100} />
        <Field label={words.price} name="priceCents" type="number" min={0} max={2_147_483_647} defaultValue={1_990} />
        <Field label={words.minutes} name="minutes" type="number" min={1} max={100_000} defaultValue={60} />
        <Field label={words.shards} name="shards" type="number" min={1} max={64} defaultValue={1} />
        <button class="button" disabled={isBusy}>
          {words.create}
        </button>
      </form>
      <Refused refusal={refusal} />
    </details>
  )
}
