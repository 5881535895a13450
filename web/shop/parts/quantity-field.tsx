import { useWords } from '../words/words.ts'
import { Field } from './field.tsx'

/** The entered number; undefined when it is none that the buyer may still buy. */
export function readQuantity(text: string, left: number): number | undefined {
  const quantity = Number(text)
  return /^\d+$/.test(text.trim()) && quantity >= 1 && quantity <= left ? quantity : undefined
}

export function QuantityField({
  value,
  left,
  onInput,
}: {
  value: string
  left: number
  onInput: (value: string) => void
}) {
  const { quantity } = useWords()
  const isBad = readQuantity(value, left) === undefined
  return (
    <Field
      id="quantity"
      label={quantity.title}
      hint={isBad ? quantity.bad(left) : quantity.hint(left)}
      value={value}
      type="number"
      min={1}
      max={left}
      aria-invalid={isBad}
      onText={onInput}
    />
  )
}
