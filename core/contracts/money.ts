/**
 * An amount as people read it. Amounts are whole numbers of the currency's smallest unit everywhere, also under names
 * such as `priceCents`: 1999 is CN¥19.99, ¥1,999 in JPY and KWD 1.999.
 *
 * @param currency ISO 4217, such as `CNY`
 * @param locale BCP 47, such as `zh-CN`
 */
export function moneyText(amount: number, currency: string, locale: string): string {
  const format = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol' })
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0))
}
