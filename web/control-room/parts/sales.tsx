import { useEffect, useState } from 'preact/hooks'
import type { LineCounts, SalePage, SaleRow } from '../../../core/contracts/control-room.ts'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useConnection, useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { NewSale } from './new-sale.tsx'
import { OperatorName } from './operator-name.tsx'
import { Panel, RowButton } from './panel.tsx'
import { Refused } from './refused.tsx'
import { ifMatch, SaleControls, type SaleEdit } from './sale-controls.tsx'

const SHOWN_MAX = 6
const HOUR_MS = 3_600_000
const at = (ms: number) => new Date(ms).toISOString()

function stateOf({ opensAt, closesAt, isStopped }: SaleRow, nowMs: number) {
  if (nowMs >= Date.parse(closesAt)) return 'over'
  if (nowMs < Date.parse(opensAt)) return 'soon'
  return isStopped ? 'stopped' : 'open'
}

/** The newest sales, with the controls of each. */
export function Sales() {
  const { sales: words } = useWords()
  const looking = useAction()
  const { act, isBusy, refusal } = useAction()
  const [sales, setSales] = useState<SaleRow[]>([])
  const frame = useFrames().at(-1)
  // Changes whenever a sale opens, closes or sells.
  const mark = JSON.stringify([
    frame?.sales?.map(({ saleId, closesAtMs, opensAtMs, isStopped, stock, title }) => [
      saleId,
      opensAtMs,
      closesAtMs,
      isStopped,
      stock,
      title,
    ]),
    frame?.orders,
  ])
  const connection = useConnection()
  const look = async () => {
    const found = await looking.act<SalePage>(`/sales?limit=${SHOWN_MAX}`)
    if (found) setSales(found.sales)
  }
  useEffect(() => {
    if (connection === 'LIVE') void look()
  }, [mark, connection])
  const change = async (sale: SaleRow, body: SaleEdit) => {
    await act(`/sales/${sale.id}`, { method: 'PATCH', body, headers: ifMatch(sale) })
    await look()
  }
  const rowOf = (sale: SaleRow, nowMs: number) => {
    const { id, title, isStopped, sold, stock } = sale
    const state = stateOf(sale, nowMs)
    const hasLine = sale.opening.waitingRoom ?? sale.opening.draw
    const line = hasLine && frame?.sales?.find(({ saleId }) => saleId === id)?.line
    const isOpen = state === 'open' || state === 'stopped'
    const window = isOpen
      ? { closesAt: at(nowMs) }
      : { opensAt: at(nowMs), ...(state === 'over' && { closesAt: at(nowMs + HOUR_MS) }) }
    return (
      <li key={id} data-sale={id} data-state={state}>
        <span class={`lamp ${state}`} />
        <span class="name">
          {title}
          <span class="state figures">
            {words.states[state]}, {words.sold(number(sold), number(stock))}
          </span>
          {line && <span class="state figures">{lineText(line)}</span>}
        </span>
        {state !== 'over' && (
          <RowButton
            label={isStopped ? words.resumeOf(title) : words.stopOf(title)}
            disabled={isBusy}
            onClick={() => void change(sale, { isStopped: !isStopped })}
          >
            {isStopped ? words.resume : words.stop}
          </RowButton>
        )}
        <RowButton
          label={isOpen ? words.closeOf(title) : words.openOf(title)}
          disabled={isBusy}
          onClick={() => void change(sale, window)}
        >
          {isOpen ? words.closeNow : words.openNow}
        </RowButton>
        <SaleControls sale={sale} onChanged={() => void look()} />
      </li>
    )
  }
  const lineText = ({ registered, waiting, members, absent, outstanding, perSecond }: LineCounts) =>
    [
      registered > 0
        ? words.registered(number(registered))
        : words.line(number(waiting), number(absent), number(outstanding)),
      ...(members === 0 ? [] : [words.members(number(members))]),
      ...(perSecond === null ? [] : [words.admittedPerSecond(number(perSecond))]),
    ].join(', ')
  return (
    <Panel id="sales" title={words.title}>
      <Refused refusal={refusal ?? looking.refusal} />
      <ul>{frame && sales.map((sale) => rowOf(sale, frame.atMs))}</ul>
      <NewSale onCreated={() => void look()} />
      <OperatorName />
    </Panel>
  )
}
