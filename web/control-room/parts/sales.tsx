import { useEffect, useState } from 'preact/hooks'
import type { SalePage, SaleRow } from '../../../core/contracts/control-room.ts'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import { useConnection, useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { NewSale } from './new-sale.tsx'
import { Panel, RowButton } from './panel.tsx'
import { Refused } from './refused.tsx'

const SHOWN_MAX = 6
const HOUR_MS = 3_600_000
const at = (ms: number) => new Date(ms).toISOString()

/** The newest sales, with buttons that open and close them. */
export function Sales() {
  const { sales: words } = useWords()
  const looking = useAction()
  const { act, isBusy, refusal } = useAction()
  const [sales, setSales] = useState<SaleRow[]>([])
  const frame = useFrames().at(-1)
  // Changes whenever a sale opens, closes or sells.
  const mark = JSON.stringify([
    frame?.sales?.map(({ saleId, closesAtMs, opensAtMs }) => [saleId, opensAtMs, closesAtMs]),
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
  const move = async (saleId: string, window: Partial<Pick<SaleRow, 'opensAt' | 'closesAt'>>) => {
    await act(`/sales/${saleId}`, { method: 'PATCH', body: window })
    await look()
  }
  const rowOf = ({ id, title, opensAt, closesAt, sold, stock }: SaleRow, nowMs: number) => {
    const state = nowMs < Date.parse(opensAt) ? 'soon' : nowMs < Date.parse(closesAt) ? 'open' : 'over'
    const isOpen = state === 'open'
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
        </span>
        <RowButton
          label={isOpen ? words.closeOf(title) : words.openOf(title)}
          disabled={isBusy}
          onClick={() => void move(id, window)}
        >
          {isOpen ? words.closeNow : words.openNow}
        </RowButton>
      </li>
    )
  }
  return (
    <Panel id="sales" title={words.title}>
      <Refused refusal={refusal ?? looking.refusal} />
      <ul>{frame && sales.map((sale) => rowOf(sale, frame.atMs))}</ul>
      <NewSale onCreated={() => void look()} />
    </Panel>
  )
}
