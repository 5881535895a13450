import type { Extras } from '../contract.ts'
import { useWords } from '../words/words.ts'
import { Field } from './field.tsx'

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
      <Field
        id="coupon"
        label={extras.coupon}
        hint={isBad.coupon ? extras.badCoupon : ''}
        value={value.coupon}
        maxLength={40}
        autocapitalize="characters"
        spellcheck={false}
        aria-invalid={isBad.coupon}
        onText={(coupon) => onInput({ ...value, coupon })}
      />
      <Field
        id="points"
        label={extras.points}
        hint={isBad.points ? extras.badPoints : extras.hint}
        value={value.points}
        inputMode="numeric"
        maxLength={7}
        aria-invalid={isBad.points}
        onText={(points) => onInput({ ...value, points })}
      />
    </details>
  )
}
