import { number } from '../../shared/language.ts'
import type { SaleView } from '../contract.ts'
import { useWords } from '../words/words.ts'

/** How much is left, as a bar and in words. */
export function StockBar({ sale: { left, stock } }: { sale: SaleView }) {
  const words = useWords()
  const text = left > 0 ? words.stock(number(left), number(stock)) : words.soldOut
  return (
    <div class="stock">
      <meter class="unseen" min={0} max={stock} value={left} aria-label={text} />
      <div class="bar" aria-hidden="true">
        <div style={{ width: `${(100 * left) / stock}%` }} />
      </div>
      <span class="figures">{text}</span>
    </div>
  )
}
