/** By locale and currency: to make one takes 20 µs, and each order is told by SMS. */
const formats = new Map<string, (amount: number) => string>()

/**
 * An amount as people read it. Amounts are whole numbers of the currency's smallest unit everywhere, also under names
 * such as `priceCents`: 1999 is CN¥19.99, ¥1,999 in JPY and KWD 1.999.
 *
 * @param currency ISO 4217, such as `CNY`
 * @param locale BCP 47, such as `zh-CN`
 */
export function moneyText(amount: number, currency: string, locale: string): string {
  const key = `${locale} ${currency}`
  const format = formats.get(key) ?? formatOf(currency, locale)
  formats.set(key, format)
  return format(amount)
}

function formatOf(currency: string, locale: string): (amount: number) => string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
  const unit = 10 ** decimalsOf(currency)
  return (amount) => format.format(amount / unit)
}

/** Of an amount in that currency: 2 for CNY, 0 for JPY, 3 for KWD. */
export function decimalsOf(currency: string): number {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 0
}
