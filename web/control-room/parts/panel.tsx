import type { ButtonHTMLAttributes, ComponentChildren, InputHTMLAttributes } from 'preact'

export function Panel({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section class="panel" id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  )
}

export function Field({ label, ...input }: InputHTMLAttributes & { label: string }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input required {...input} />
    </label>
  )
}

/** What a field of a form has; a file would be no text. */
export function textOf(form: FormData, name: string): string {
  const value = form.get(name)
  return typeof value === 'string' ? value : ''
}

/** Acts on one row; `label` also names the row, for screen readers. */
export function RowButton({ label, ...button }: ButtonHTMLAttributes & { label: string }) {
  return <button class="button quiet small" aria-label={label} {...button} />
}
