import { money, moment } from '../../shared/language.ts'
import { useNow } from '../../shared/use-now.ts'
import { byDay, type Day } from '../calendar.ts'
import { type SaleView, saleClock } from '../contract.ts'
import { saleStateOf, showMore } from '../sales.ts'
import { useWords } from '../words/words.ts'
import { SaleWindow } from './countdown.tsx'
import { Picture } from './picture.tsx'
import { StockBar } from './stock-bar.tsx'

/** A calendar: what is on sale now, then what opens today, tomorrow and later, then what is over. */
export function SaleList({ sales, hasMore }: { sales: SaleView[]; hasMore: boolean }) {
  const words = useWords()
  const groups = byDay(sales, useNow(saleClock))
  return (
    <main class="sales">
      <h1>{words.sales}</h1>
      {groups.map(({ day, sales: ofDay }) => (
        <section key={day} data-day={day} aria-labelledby={`day-${day}`}>
          <h2 id={`day-${day}`}>{words.calendar[day]}</h2>
          <ul>
            {ofDay.map((sale) => (
              <li key={sale.id}>
                <SaleCard sale={sale} day={day} />
              </li>
            ))}
          </ul>
        </section>
      ))}
      {hasMore && (
        <button class="link" onClick={() => void showMore()}>
          {words.moreSales}
        </button>
      )}
    </main>
  )
}

function SaleCard({ sale, day }: { sale: SaleView; day: Day }) {
  const saleState = saleStateOf(sale, useNow(saleClock))
  const isOn = saleState === 'OPEN' || saleState === 'STOPPED' || saleState === 'SOLD_OUT'
  return (
    <a class="card" href={`#/${sale.id}`}>
      <Picture title={sale.title} />
      <h3>{sale.title}</h3>
      <p class="price figures">{money(sale.priceCents, sale.currency)}</p>
      {saleState === 'SOON' && (
        <p class="opens figures">
          <time dateTime={sale.opensAt}>{moment(sale.opensAt, day === 'LATER')}</time>
        </p>
      )}
      {isOn ? <StockBar sale={sale} /> : <SaleWindow sale={sale} />}
    </a>
  )
}
