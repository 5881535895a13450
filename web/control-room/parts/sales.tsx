import { useEffect, useState } from 'preact/hooks'
import { number } from '../../shared/language.ts'
import { useAction } from '../action.ts'
import type { SalePage, SaleRow as Row } from '../contract.ts'
import { useConnection, useFrames } from '../live.ts'
import { useWords } from '../words/words.ts'
import { NewSale } from './new-sale.tsx'
import { Refused } from './refused.tsx'

const SHOWN_MAX = 6
const HOUR_MS = 3_600_000

/** The newest sales, with buttons that open and close them. */
export function Sales() {
  const { sales: words } = useWords()
  const looking = useAction()
  const { act, isBusy, refusal } = useAction()
  const [sales, setSales] = useState<Row[]>([])
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
  const move = async ({ id }: Row, change: { opensAt?: string; closesAt?: string }) => {
    await act(`/sales/${id}`, { method: 'PATCH', body: change })
    await look()
  }
  return (
    <section class="panel sales" aria-labelledby="sales-title">
      <h2 id="sales-title">{words.title}</h2>
      <Refused refusal={refusal ?? looking.refusal} />
      <ul>
        {frame &&
          sales.map((sale) => (
            <SaleRow
              key={sale.id}
              sale={sale}
              nowMs={frame.atMs}
              isBusy={isBusy}
              onMove={(change) => void move(sale, change)}
            />
          ))}
      </ul>
      <NewSale onCreated={() => void look()} />
    </section>
  )
}

function SaleRow({
  sale,
  nowMs,
  isBusy,
  onMove,
}: {
  sale: Row
  nowMs: number
  isBusy: boolean
  onMove: (change: { opensAt?: string; closesAt?: string }) => void
}) {
  const { sales: words } = useWords()
  const state = nowMs < Date.parse(sale.opensAt) ? 'soon' : nowMs < Date.parse(sale.closesAt) ? 'open' : 'over'
  const at = (ms: number) => new Date(ms).toISOString()
  return (
    <li data-sale={sale.id} data-state={state}>
      <span class={`lamp ${state}`} />
      <span class="name">{sale.title}</span>
      <span class="state figures">
        {words.states[state]}, {words.sold(number(sale.sold), number(sale.stock))}
      </span>
      {state === 'open' ? (
        <button
          class="button quiet small"
          aria-label={words.closeOf(sale.title)}
          disabled={isBusy}
          onClick={() => onMove({ closesAt: at(nowMs) })}
        >
          {words.closeNow}
        </button>
      ) : (
        <button
          class="button quiet small"
          aria-label={words.openOf(sale.title)}
          disabled={isBusy}
          onClick={() => onMove({ opensAt: at(nowMs), ...(state === 'over' && { closesAt: at(nowMs + HOUR_MS) }) })}
        >
          {words.openNow}
        </button>
      )}
    </li>
  )
}
