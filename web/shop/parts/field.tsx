import type { InputHTMLAttributes } from 'preact'

export type FieldProps = InputHTMLAttributes & {
  id: string
  label: string
  hint: string
  onText: (value: string) => void
}

/** A text field with its hint, which turns into what is wrong with the value. */
export function Field({ id, label, hint, onText, ...input }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        autocomplete="off"
        aria-describedby={`${id}-hint`}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
        {...input}
      />
      <p id={`${id}-hint`} class="hint">
        {hint}
      </p>
    </div>
  )
}
