import { money } from '../../shared/language.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { saleStateOf, showMore } from '../sales.ts'
import { useWords } from '../words/words.ts'
import { SaleWindow } from './countdown.tsx'
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
  const saleState = saleStateOf(sale, useNow(saleClock))
  const isOn = saleState === 'OPEN' || saleState === 'STOPPED' || saleState === 'SOLD_OUT'
  return (
    <a class="card" href={`#/${sale.id}`}>
      <Picture title={sale.title} />
      <h2>{sale.title}</h2>
      <p class="price figures">{money(sale.priceCents, sale.currency)}</p>
      {isOn ? <StockBar sale={sale} /> : <SaleWindow sale={sale} />}
    </a>
  )
}
