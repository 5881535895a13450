import { money } from '../../shared/language.ts'
import { useNow } from '../../shared/use-now.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { doorOf, showMore } from '../sales.ts'
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
  const door = doorOf(sale, useNow(saleClock))
  return (
    <a class="card" href={`#/${sale.id}`}>
      <Picture title={sale.title} />
      <h2>{sale.title}</h2>
      <p class="price figures">{money(sale.priceCents)}</p>
      {door === 'SOON' && <Countdown until={sale.opensAt} clock={saleClock} label={words.opensIn} />}
      {door === 'OVER' ? <p class="label">{words.ended}</p> : door !== 'SOON' && <StockBar sale={sale} />}
    </a>
  )
}
