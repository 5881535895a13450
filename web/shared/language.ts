import { moneyText } from '../../core/contracts/money.ts'
import { remembered } from './remembered.ts'
import { useStore } from './store.ts'

/** As in the `lang` attribute. */
export type Language = 'en' | 'zh'

const preferred = (): Language => (navigator.language.startsWith('zh') ? 'zh' : 'en')

export const language = remembered<Language>('seckill.language', (kept) =>
  kept === 'en' || kept === 'zh' ? kept : preferred(),
)

const LOCALES = { en: 'en', zh: 'zh-CN' } as const

function declare(value: Language): void {
  document.documentElement.lang = LOCALES[value]
}
declare(language.get())
language.watch(declare)

/**
 * The words of a page in the language of now. Make it once for each page: the type of the English words is the
 * contract, so that a word without a translation does not compile.
 */
export function createWords<Words>(words: Record<Language, Words>): { useWords: () => Words; now: () => Words } {
  return { useWords: () => words[useStore(language)], now: () => words[language.get()] }
}

export function money(amount: number, currency: string): string {
  return moneyText(amount, currency, LOCALES[language.get()])
}

/** A moment as this browser's time zone and the page's language have it. */
export function moment(iso: string, hasDate: boolean): string {
  const time = { hour: '2-digit', minute: '2-digit' } as const
  const date = { weekday: 'short', day: 'numeric', month: 'short' } as const
  const locale = LOCALES[language.get()]
  return new Intl.DateTimeFormat(locale, { ...(hasDate && date), ...time }).format(new Date(iso))
}

export function number(value: number): string {
  return new Intl.NumberFormat(LOCALES[language.get()]).format(value)
}
