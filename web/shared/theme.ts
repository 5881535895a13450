import { remembered } from './remembered.ts'

export type Theme = 'auto' | 'light' | 'dark'

/** `auto` follows the system, in the style sheet alone. */
export const theme = remembered<Theme>('seckill.theme', (kept) => (kept === 'light' || kept === 'dark' ? kept : 'auto'))

function declare(value: Theme): void {
  document.documentElement.dataset.theme = value
}
declare(theme.get())
theme.watch(declare)
