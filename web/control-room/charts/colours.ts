/** What is drawn, by the name of its colour in the style sheet. */
export type Colour =
  | 'accepted'
  | 'repeated'
  | 'sold-out'
  | 'limited'
  | 'busy'
  | 'other'
  | 'waiting'
  | 'ordered'
  | 'stock'
  | 'unpaid'
  | 'paid'
  | 'cancelled'
  | 'refunded'
  | 'writes'

/** A canvas knows nothing of the style sheet's variables: the browser says what they come to. */
export function resolved(name: string, within: HTMLElement): string {
  const probe = document.createElement('span')
  probe.style.color = `var(--${name})`
  within.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
