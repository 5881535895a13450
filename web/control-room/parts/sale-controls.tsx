import { useState } from 'preact/hooks'
import type { SaleRow } from '../../../core/contracts/control-room.ts'
import { useAction } from '../action.ts'
import { useWords } from '../words/words.ts'
import { ChangeList, ChangeLog } from './change-log.tsx'
import { OpeningFields, openingFrom, openingText } from './opening-fields.tsx'
import { Field, textOf } from './panel.tsx'
import { Refused } from './refused.tsx'

export type SaleEdit = Partial<
  Pick<SaleRow, 'title' | 'priceCents' | 'stock' | 'perBuyerLimit' | 'opensAt' | 'closesAt' | 'isStopped' | 'opening'>
>

export const ifMatch = ({ version }: SaleRow) => ({ 'if-match': `"${version}"` })

/** The fields that an operator may change while a sale runs, and who changed them before. */
export function SaleControls({ sale, onChanged }: { sale: SaleRow; onChanged: () => void }) {
  const { changes: words } = useWords()
  const [isOpen, setOpen] = useState(false)
  const [round, setRound] = useState(0)
  return (
    <details class="controls" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary aria-label={words.editOf(sale.title)}>{words.edit}</summary>
      {isOpen && <SaleForm key={round} sale={sale} onChanged={onChanged} onEnd={() => setRound(round + 1)} />}
      {isOpen && <ChangeLog path={`/changes?sale=${sale.id}`} mark={String(sale.version)} />}
    </details>
  )
}

/**
 * What is typed stays while others change the sale: the form keeps the version that its fields began with, so that the
 * server tells of the others' changes instead of undoing them.
 */
function SaleForm({ sale, onChanged, onEnd }: { sale: SaleRow; onChanged: () => void; onEnd: () => void }) {
  const { sales: words, changes } = useWords()
  const { act, isBusy, refusal } = useAction()
  const [typedOver, setTypedOver] = useState<SaleRow>()
  const base = typedOver ?? sale
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    const body = editOf(base, new FormData(event.currentTarget as HTMLFormElement))
    const isDone = await act(`/sales/${base.id}`, { method: 'PATCH', body, headers: ifMatch(base) })
    onChanged()
    if (isDone) onEnd()
  }
  return (
    <form key={base.version} onInput={() => setTypedOver(base)} onSubmit={(event) => void submit(event)}>
      <div class="row">
        <Field label={words.name} name="title" maxLength={120} defaultValue={base.title} />
        <Field
          label={changes.price}
          name="priceCents"
          type="number"
          min={0}
          max={2_147_483_647}
          defaultValue={base.priceCents}
        />
        <Field label={words.stock} name="stock" type="number" min={1} max={10_000_000} defaultValue={base.stock} />
        <Field
          label={words.limit}
          name="perBuyerLimit"
          type="number"
          min={1}
          max={1_000}
          defaultValue={base.perBuyerLimit}
        />
      </div>
      <div class="row window">
        <Moment label={words.opens} name="opensAt" of={base} />
        <Moment label={words.closes} name="closesAt" of={base} />
      </div>
      <OpeningFields opening={base.opening} />
      <p class="buttons">
        <button class="button small" disabled={isBusy || !typedOver}>
          {changes.save}
        </button>
        {typedOver && (
          <button class="button quiet small" type="button" onClick={onEnd}>
            {changes.discard}
          </button>
        )}
      </p>
      <Refused refusal={refusal} />
      {refusal?.changes && <ChangeList changes={refusal.changes} />}
    </form>
  )
}

function Moment({ label, name, of }: { label: string; name: 'opensAt' | 'closesAt'; of: SaleRow }) {
  return <Field label={label} name={name} type="datetime-local" step={1} defaultValue={localTime(of[name])} />
}

/** As `<input type="datetime-local">` has it, in the time zone of this computer. */
function localTime(iso: string): string {
  const at = new Date(iso)
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

/** Only what differs: a field that was left alone must not undo another operator's change. */
function editOf(sale: SaleRow, form: FormData): SaleEdit {
  const text = (name: string) => textOf(form, name)
  const edit: SaleEdit = {}
  if (text('title') !== sale.title) edit.title = text('title')
  for (const name of ['priceCents', 'stock', 'perBuyerLimit'] as const)
    if (Number(text(name)) !== sale[name]) edit[name] = Number(text(name))
  // Without seconds when these are 0.
  for (const name of ['opensAt', 'closesAt'] as const)
    if (Date.parse(text(name)) !== Date.parse(localTime(sale[name]))) edit[name] = new Date(text(name)).toISOString()
  const opening = openingFrom(form)
  if (openingText(opening) !== openingText(sale.opening)) edit.opening = opening
  return edit
}
