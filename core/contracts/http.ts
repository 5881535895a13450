import { z } from 'zod'
import { AMOUNT_CENTS_MAX, PURCHASE_KEY_LENGTH_MAX } from './amounts.ts'
import { EndReason } from './end-reason.ts'
import { type ProblemCode, problems } from './problems.ts'
import { storable, typed, typedName } from './text.ts'

/** Bodies of requests and answers over HTTP. The OpenAPI document is generated from these schemas. */

/** The character set keeps path parameters harmless in Redis keys and log lines. */
export const SaleId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'expected 1 to 32 of a–z, 0–9 and -, not starting with -')
const BUYER_ID_LENGTH_MAX = 255
/**
 * Accepts what identity providers issue (OpenID Connect: up to 255 ASCII characters), such as `auth0|64ab` and
 * `bob+vip@example.com`. Braces are excluded because they delimit the hash tag in Redis keys; a letter or digit is
 * required because no URL can carry the path segment "..".
 */
export const BuyerId = z
  .string()
  .max(BUYER_ID_LENGTH_MAX, `expected at most ${BUYER_ID_LENGTH_MAX} characters`)
  .regex(
    /^(?=.*[A-Za-z0-9])[!-z|~]+$/,
    'expected visible ASCII characters other than { and }, a letter or digit among them',
  )
/** Names one purchase of a buyer in a sale, as `Idempotency-Key`. Tabs and line breaks separate what the book holds. */
export const PurchaseKey = z
  .string()
  .regex(
    new RegExp(`^[!-~]{1,${PURCHASE_KEY_LENGTH_MAX}}$`),
    `expected 1 to ${PURCHASE_KEY_LENGTH_MAX} visible ASCII characters`,
  )
/** The sale's id, a dot, and 128 random bits: the id alone tells the hash tag of the sale's Redis keys. */
export const ReservationId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}\.[\w-]{22}$/, 'expected a reservation id')
export const OrderId = z.uuid('expected an order id')

const MAX_QUANTITY = 1_000
export const CouponCode = z.string().regex(/^[A-Za-z0-9-]{1,40}$/, 'expected 1 to 40 of A–Z, a–z, 0–9 and -')

export const ReservationRequest = z.strictObject({
  quantity: z
    .int()
    .min(1)
    .max(MAX_QUANTITY)
    .default(1)
    .describe("units, up to the buyer's limit in this sale, in all of their purchases together"),
  coupon: CouponCode.optional().describe('a coupon to use; when it cannot be, the order is cancelled'),
  points: z
    .int()
    .min(0)
    .max(AMOUNT_CENTS_MAX)
    .optional()
    .describe('points to spend, one for a cent; when there are too few, the order is cancelled'),
})

export const SessionRequest = z.strictObject({ name: typedName(40) })
export const Session = z.strictObject({ token: z.string(), userId: BuyerId })

const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .describe('of the amounts, as ISO 4217 has it')

export const SaleView = z.strictObject({
  id: SaleId,
  title: z.string(),
  priceCents: z.int().describe('price of one unit, in the smallest unit of the currency'),
  currency: Currency,
  stock: z.int().describe('units the sale began with'),
  left: z.int().describe('units left, up to a second old'),
  perBuyerLimit: z
    .int()
    .describe(
      'units that the buyer of the token, or a visitor without one, may have in all of their purchases together',
    ),
  opensAt: z.iso.datetime(),
  closesAt: z.iso.datetime(),
  serverTime: z.iso.datetime(),
})
/** Query of a paginated list. */
export const PageRequest = z.object({
  limit: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|200)$/, 'expected 1 to 200')
    .transform(Number)
    .optional()
    .describe('entries per page; default 100'),
  cursor: z
    .string()
    .regex(/^[\w-]{1,400}$/, 'expected the "next" of an earlier page')
    .optional()
    .describe('the "next" of the page before'),
})
export const PAGE_LIMIT = 100
export const SaleList = z.strictObject({
  sales: z.array(SaleView).describe('open and upcoming sales first, by their end; then ended sales, the latest first'),
  next: z.string().optional().describe('cursor of the next page; absent on the last one'),
  serverTime: z.iso.datetime(),
})
export type SaleList = z.infer<typeof SaleList>
export type SaleView = z.infer<typeof SaleView>

const ReservationStatus = z.enum(['RESERVED', 'ORDERED', 'PAID', 'CANCELLED', 'REFUNDED', 'REJECTED'])
export const ReservationView = z.strictObject({
  id: ReservationId,
  saleId: SaleId,
  status: ReservationStatus,
  quantity: z.int(),
  coupon: CouponCode.optional(),
  points: z.int().optional().describe('points to spend'),
  reason: EndReason.optional().describe('why it ended without a sale'),
  orderId: OrderId.optional(),
})
export type ReservationView = z.infer<typeof ReservationView>

export const SagaState = z.enum(['RUNNING', 'DONE', 'COMPENSATING', 'COMPENSATED'])

export const OrderView = z.strictObject({
  id: OrderId,
  reservationId: ReservationId,
  saleId: SaleId,
  quantity: z.int(),
  amountCents: z
    .int()
    .describe('amount to pay, reduced as coupon and points are taken; an order of 0 is PAID without a payment'),
  currency: Currency,
  status: z.enum(['PENDING_PAYMENT', 'PAID', 'CANCELLED', 'REFUNDED']),
  createdAt: z.iso.datetime(),
  paymentDeadline: z.iso.datetime(),
  paidAt: z.iso.datetime().optional(),
  cancelledAt: z.iso.datetime().optional(),
  refundedAt: z.iso.datetime().optional().describe('when the refund was decided; the money arrives soon after'),
  reason: EndReason.optional().describe('why it was cancelled or refunded'),
  couponCode: CouponCode.optional(),
  points: z.int().optional().describe('points that the order spends'),
  saga: z
    .strictObject({
      state: SagaState,
      reason: EndReason.optional(),
    })
    .optional()
    .describe('saga that takes coupon and points, or gives them back; the order can be paid once this is DONE'),
  serverTime: z.iso.datetime(),
})
export type OrderView = z.infer<typeof OrderView>

export const PaymentView = z.strictObject({
  paymentId: z.uuid(),
  orderId: OrderId,
  amountCents: z.int(),
  currency: Currency,
  url: z.url().describe('where the buyer pays'),
})
export type PaymentView = z.infer<typeof PaymentView>

/** What the payment provider sends when money has arrived; the signature covers the raw body. */
export const PaymentCallback = z.strictObject({
  paymentId: z.uuid(),
  orderId: OrderId,
  amountCents: z.int().min(0),
  currency: Currency,
  providerRef: storable(100),
})
export type PaymentCallback = z.infer<typeof PaymentCallback>
export const PaymentCallbackAnswer = z.strictObject({ outcome: z.enum(['PAID', 'ALREADY_COUNTED', 'REFUND_DUE']) })

/** An instant that JavaScript, Redis, PostgreSQL and the pages all represent. */
const Moment = z.iso.datetime({ offset: true }).refine((moment) => {
  const year = new Date(moment).getUTCFullYear()
  return year >= 1970 && year < 2100
}, 'expected a moment from 1970 to 2099')
export const NewSale = z
  .strictObject({
    id: SaleId,
    title: typed(120),
    priceCents: z
      .int()
      .min(0)
      .max(AMOUNT_CENTS_MAX)
      .describe('price of one unit; times perBuyerLimit at most 2147483647, times stock at most 9007199254740991'),
    stock: z.int().min(1).max(10_000_000),
    perBuyerLimit: z.int().min(1).max(MAX_QUANTITY).default(1),
    opensAt: Moment,
    closesAt: Moment,
  })
  .refine((sale) => Date.parse(sale.opensAt) < Date.parse(sale.closesAt), {
    path: ['closesAt'],
    message: 'expected a moment after opensAt',
  })
  .refine((sale) => sale.priceCents * sale.perBuyerLimit <= AMOUNT_CENTS_MAX, {
    path: ['priceCents'],
    message: `expected at most ${AMOUNT_CENTS_MAX} when multiplied by perBuyerLimit, which is what one order may cost`,
  })
  // Sums over a whole sale must stay exact in a JavaScript number.
  .refine((sale) => sale.priceCents * sale.stock <= Number.MAX_SAFE_INTEGER, {
    path: ['priceCents'],
    message: `expected at most ${Number.MAX_SAFE_INTEGER} when multiplied by stock`,
  })

export const SaleChange = z
  .strictObject({
    opensAt: Moment.optional(),
    closesAt: Moment.optional(),
  })
  .refine(
    (change) => change.opensAt !== undefined || change.closesAt !== undefined,
    'expected opensAt, closesAt or both',
  )

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

/** RFC 9457, with a stable `code`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
  detail: z.string(),
  serverTime: z.iso.datetime().optional(),
  retryAfterSeconds: z.number().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  reservation: ReservationView.optional().describe('of KEY_REUSED: what the buyer holds under that key'),
})
export type Problem = z.infer<typeof Problem>
