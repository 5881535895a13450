import { decimalsOf } from '../../../core/contracts/money.ts'

/**
 * Decimals of an amount in Stripe's API (docs.stripe.com/currencies) where they are not two. ISK and UGX have two
 * there, though none in ISO 4217. Of three decimals the last digit must be 0.
 */
const DECIMALS = new Map([
  ...'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' ').map((code) => [code, 0] as const),
  ...'BHD JOD KWD OMR TND'.split(' ').map((code) => [code, 3] as const),
])

const stripeDecimals = (currency: string) => DECIMALS.get(currency) ?? 2

/** @throws when Stripe cannot charge that amount */
export function toStripe(amount: number, currency: string): number {
  const converted = rescale(amount, decimalsOf(currency), stripeDecimals(currency))
  if (converted === undefined || (stripeDecimals(currency) === 3 && converted % 10 !== 0))
    throw new Error(`Stripe cannot charge ${amount} in ${currency}: expected a price without its last decimal`)
  return converted
}

/** Undefined when the amount has no whole number of the currency's smallest unit. */
export function fromStripe(amount: number, currency: string): number | undefined {
  return rescale(amount, stripeDecimals(currency), decimalsOf(currency))
}

function rescale(amount: number, from: number, to: number): number | undefined {
  const scaled = to >= from ? amount * 10 ** (to - from) : amount / 10 ** (from - to)
  return Number.isSafeInteger(scaled) ? scaled : undefined
}
