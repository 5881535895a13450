import { chosenSale, saleOf, useChosenSale, useFrameWithSales } from '../sale-choice.ts'
import { useWords } from '../words/words.ts'

/** Which sale's stock and orders the charts show. */
export function SalePicker() {
  const words = useWords()
  const chosen = useChosenSale()
  const frame = useFrameWithSales()
  const newest = saleOf(frame, '')
  return (
    <label class="picker">
      <span class="unseen">{words.sale}</span>
      <select value={chosen} onChange={({ currentTarget }) => chosenSale.set(currentTarget.value)}>
        <option value="">
          {words.newestSale}
          {newest && `: ${newest.title}`}
        </option>
        {frame?.sales?.map(({ saleId, title }) => (
          <option key={saleId} value={saleId}>
            {title} ({saleId})
          </option>
        ))}
      </select>
    </label>
  )
}
