import { useState } from 'preact/hooks'
import { BUYERS_MAX, BUYERS_PER_UNIT, type ReadyReport } from '../../../core/contracts/ready.ts'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useShownSale } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'
import { Field, Panel } from './panel.tsx'
import { Refused } from './refused.tsx'

/** Whether the sale that is shown can open for the crowd that is expected. */
export function Ready() {
  const { ready: words } = useWords()
  const { act, isBusy, refusal } = useAction()
  const sale = useShownSale()
  const [buyers, setBuyers] = useState('')
  const [report, setReport] = useState<ReadyReport>()
  const byDefault = Math.min(BUYERS_MAX, (sale?.stock ?? 0) * BUYERS_PER_UNIT)
  const check = async (event: SubmitEvent) => {
    event.preventDefault()
    if (!sale) return
    setReport(await act<ReadyReport>(`/sales/${sale.saleId}/ready?buyers=${buyers === '' ? byDefault : buyers}`))
  }
  return (
    <Panel id="ready" title={words.title}>
      <form class="row" onSubmit={(event) => void check(event)}>
        <Field
          label={words.buyers}
          type="number"
          min="1"
          max={String(BUYERS_MAX)}
          required={false}
          placeholder={String(byDefault)}
          value={buyers}
          onInput={({ currentTarget }) => setBuyers(currentTarget.value)}
        />
        <button class="button" disabled={isBusy || !sale}>
          {sale ? words.check(sale.title) : words.noSale}
        </button>
      </form>
      <Refused refusal={refusal} />
      <div role="status">{report && <Report report={report} />}</div>
    </Panel>
  )
}

function Report({ report: { saleId, buyers, isReady, toMend, unknown } }: { report: ReadyReport }) {
  const { ready: words } = useWords()
  return (
    <>
      <p class={isReady ? 'verdict good' : 'verdict bad'} data-ready={isReady}>
        {isReady ? words.isReady(saleId, number(buyers)) : words.isNotReady(saleId, number(buyers))}
      </p>
      <ul class="to-mend">
        {toMend.map(({ check, code, detail }) => (
          <li key={`${check} ${detail}`} data-code={code}>
            <strong>{words.checks[check]}</strong> {words.mend[code] ?? detail}
          </li>
        ))}
        {unknown.map(({ check, detail }) => (
          <li key={`${check} ${detail}`}>
            <strong>{words.checks[check]}</strong> {words.unknown} {detail}
          </li>
        ))}
      </ul>
    </>
  )
}
