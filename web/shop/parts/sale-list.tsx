import { money } from '../../shared/language.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { saleStateOf, showMore } from '../sales.ts'
import { useWords } from '../words/words.ts'
import { Countdown } from './countdown.tsx'
import { Picture } from './picture.tsx'
import { StockBar } from './stock-bar.tsx'

export function SaleList({ sales, hasMore }: { sales: SaleView[]; hasMore: boolean }) {
  const words = useWords()
  return (
    <main class="sales">
      <h1>{words.sales}</h1>
      <ul>
        {sales.map((sale) => (
          <li key={sale.id}>
            <SaleCard sale={sale} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <button class="link" onClick={() => void showMore()}>
          {words.moreSales}
        </button>
      )}
    </main>
  )
}

function SaleCard({ sale }: { sale: SaleView }) {
  const words = useWords()
  const saleState = saleStateOf(sale, useNow(saleClock))
  return (
    <a class="card" href={`#/${sale.id}`}>
      <Picture title={sale.title} />
      <h2>{sale.title}</h2>
      <p class="price figures">{money(sale.priceCents)}</p>
      {saleState === 'SOON' && <Countdown until={sale.opensAt} clock={saleClock} label={words.opensIn} />}
      {saleState === 'OVER' ? <p class="label">{words.ended}</p> : saleState !== 'SOON' && <StockBar sale={sale} />}
    </a>
  )
}
