import { z } from 'zod'
import { Opening } from './opening.ts'
import { typed } from './text.ts'
import { AMOUNT_CENTS_MAX, Currency, QUANTITY_MAX, SaleId, SHARDS_MAX } from './values.ts'

export const SaleView = z.strictObject({
  id: SaleId,
  title: z.string(),
  priceCents: z.int().describe('price of one unit, in the smallest unit of the currency'),
  currency: Currency,
  stock: z.int().describe('units the sale began with'),
  left: z.int().describe('units left; up to a second old from a minute before the opening on'),
  perBuyerLimit: z
    .int()
    .describe(
      'units that the buyer of the token, or a visitor without one, may have in all of their purchases together',
    ),
  opensAt: z.iso.datetime(),
  closesAt: z.iso.datetime(),
  isStopped: z.boolean().describe('nothing can be bought until the shop resumes it'),
  opening: Opening.optional().describe('what a purchase needs beside a token; absent of a sale without such rules'),
  seedHash: z
    .string()
    .optional()
    .describe('of a sale with a waiting room: SHA-256 of the seed that orders those who come before the opening'),
  seed: z.string().optional().describe('that seed, once the sale has opened and they have their places'),
  serverTime: z.iso.datetime(),
})

export const SaleList = z.strictObject({
  sales: z
    .array(SaleView)
    .describe('open and coming sales first, by their opening; then ended sales, the latest first'),
  next: z.string().optional().describe('cursor of the next page; absent on the last one'),
  serverTime: z.iso.datetime(),
})
export type SaleList = z.infer<typeof SaleList>
export type SaleView = z.infer<typeof SaleView>

/** An instant that JavaScript, Redis, PostgreSQL and the pages all represent. */
const Moment = z.iso.datetime({ offset: true }).refine((moment) => {
  const year = new Date(moment).getUTCFullYear()
  return year >= 1970 && year < 2100
}, 'expected a moment from 1970 to 2099')
const terms = {
  title: typed(120),
  priceCents: z
    .int()
    .min(0)
    .max(AMOUNT_CENTS_MAX)
    .describe('price of one unit; times perBuyerLimit at most 2147483647, times stock at most 9007199254740991'),
  stock: z.int().min(1).max(10_000_000),
  perBuyerLimit: z.int().min(1).max(QUANTITY_MAX),
  opensAt: Moment,
  closesAt: Moment,
}

/** What of a sale does not fit together: the field, and what was expected of it. */
export function misfit(sale: {
  priceCents: number
  stock: number
  perBuyerLimit: number
  opensAt: string | Date
  closesAt: string | Date
}): { path: 'closesAt' | 'priceCents'; message: string } | undefined {
  if (new Date(sale.opensAt) >= new Date(sale.closesAt))
    return { path: 'closesAt', message: 'expected a moment after opensAt' }
  if (sale.priceCents * sale.perBuyerLimit > AMOUNT_CENTS_MAX) {
    const what = 'when multiplied by perBuyerLimit, which is what one order may cost'
    return { path: 'priceCents', message: `expected at most ${AMOUNT_CENTS_MAX} ${what}` }
  }
  // Sums over a whole sale must stay exact in a JavaScript number.
  if (sale.priceCents * sale.stock > Number.MAX_SAFE_INTEGER)
    return { path: 'priceCents', message: `expected at most ${Number.MAX_SAFE_INTEGER} when multiplied by stock` }
  return undefined
}

export const NewSale = z
  .strictObject({
    id: SaleId,
    ...terms,
    perBuyerLimit: terms.perBuyerLimit.default(1),
    opening: Opening.default({}),
    shards: z
      .int()
      .min(1)
      .max(SHARDS_MAX)
      .default(1)
      .describe('parts of the ledger in Redis, each with a share of the units and of the buyers; fixed from here on'),
  })
  .superRefine((sale, context) => {
    const { path, message } = misfit(sale) ?? {}
    if (path) context.addIssue({ code: 'custom', path: [path], message })
  })

/** What an operator may change while the sale runs. */
export const SaleChange = z
  .strictObject({ ...terms, isStopped: z.boolean(), opening: Opening.describe('as a whole; {} for none') })
  .partial()
  .refine((change) => Object.keys(change).length > 0, 'expected at least one field to change')

/** GET /epochs of the order service, for gateways: of the sales that are near, by id. */
export const Epochs = z.object({ epochs: z.record(z.string(), z.int()) })
export type Epochs = z.infer<typeof Epochs>
