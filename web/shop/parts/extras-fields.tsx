import type { Extras } from '../contract.ts'
import { useWords } from '../words/words.ts'

/** The text of the fields, as typed. */
export interface ExtrasText {
  coupon: string
  points: string
}

const COUPON = /^[A-Za-z0-9-]{1,40}$/
const POINTS_MAX = 1_000_000

/** The entered values; undefined when one of them is invalid. */
export function readExtras({ coupon, points }: ExtrasText): Extras | undefined {
  const [code, count] = [coupon.trim(), points.trim()]
  if ((code !== '' && !COUPON.test(code)) || (count !== '' && !(/^\d+$/.test(count) && Number(count) <= POINTS_MAX)))
    return undefined
  return { ...(code && { coupon: code }), ...(count && { points: Number(count) }) }
}

export function ExtrasFields({ value, onInput }: { value: ExtrasText; onInput: (value: ExtrasText) => void }) {
  const { extras } = useWords()
  const isBad = { coupon: !readExtras({ ...value, points: '' }), points: !readExtras({ ...value, coupon: '' }) }
  return (
    <details class="extras">
      <summary>{extras.title}</summary>
      <div class="field">
        <label for="coupon">{extras.coupon}</label>
        <input
          id="coupon"
          value={value.coupon}
          maxLength={40}
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          aria-invalid={isBad.coupon}
          aria-describedby="coupon-hint"
          onInput={({ currentTarget }) => onInput({ ...value, coupon: currentTarget.value })}
        />
        <p id="coupon-hint" class="hint">
          {isBad.coupon && extras.badCoupon}
        </p>
      </div>
      <div class="field">
        <label for="points">{extras.points}</label>
        <input
          id="points"
          value={value.points}
          inputMode="numeric"
          maxLength={7}
          autocomplete="off"
          aria-invalid={isBad.points}
          aria-describedby="points-hint"
          onInput={({ currentTarget }) => onInput({ ...value, points: currentTarget.value })}
        />
        <p id="points-hint" class="hint">
          {isBad.points ? extras.badPoints : extras.hint}
        </p>
      </div>
    </details>
  )
}
