import { z } from 'zod'
import { typed } from './text.ts'
import { AMOUNT_CENTS_MAX, BuyerId } from './values.ts'

/** What operators ask of the control room, beside sales. */

export const BlacklistRequest = z.strictObject({ reason: typed(200) })
const Buyers = z.array(BuyerId).min(1).max(200)
export const BlacklistChange = z
  .strictObject({
    list: Buyers.optional(),
    unlist: Buyers.optional(),
    reason: typed(200).optional(),
  })
  .refine(
    ({ list, unlist }) => list !== undefined || unlist !== undefined,
    'expected list, unlist or both, each with 1 to 200 buyers',
  )
  .refine(({ list, reason }) => (list === undefined) === (reason === undefined), {
    path: ['reason'],
    message: 'expected together with list, and only then',
  })
  .refine(({ list = [], unlist = [] }) => !list.some((buyerId) => unlist.includes(buyerId)), {
    path: ['unlist'],
    message: 'expected no buyer who is also in list',
  })

export const CouponRequest = z.strictObject({
  discountCents: z.int().min(0).max(AMOUNT_CENTS_MAX),
  buyerId: BuyerId.optional().describe('the only buyer who may use it; without, every buyer may'),
})
export const PointsRequest = z.strictObject({ points: z.int().min(1).max(AMOUNT_CENTS_MAX) })

const DeadLetterId = z
  .string()
  .regex(/^[0-9a-f]{12}$/, 'expected the id of a dead letter, as GET /dead-letters shows it')
export const DeadLetterChoice = z.union(
  [z.strictObject({ ids: z.array(DeadLetterId).min(1).max(1_000) }), z.strictObject({ all: z.literal(true) })],
  'expected {"ids": [one or more]} or {"all": true}',
)

/** One row of the log of changes. */
export const ChangeView = z.strictObject({
  id: z.string(),
  saleId: z.string().nullable().describe('null of a change of the blacklist'),
  field: z.string(),
  from: z.unknown(),
  to: z.unknown(),
  operator: z.string(),
  at: z.iso.datetime(),
})
export type ChangeView = z.infer<typeof ChangeView>
