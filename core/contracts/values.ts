import { z } from 'zod'
import { printable } from './text.ts'

/** Values that requests, messages and rows are made of. */

/** Largest amount of one order, coupon or points deduction: the column is an int4. */
export const AMOUNT_CENTS_MAX = 2_147_483_647
/** Parts of a sale's ledger; the id of a reservation has two digits for the number of its shard. */
export const SHARDS_MAX = 64
/** Units of one purchase. */
export const QUANTITY_MAX = 1_000

/** The character set keeps path parameters harmless in Redis keys and log lines. */
export const SaleId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'expected 1 to 32 of a–z, 0–9 and -, not starting with -')
/**
 * Any subject of an identity provider (OpenID Connect: up to 255 characters), such as `auth0|64ab`. It is opaque: two
 * are equal when all their characters are. No URL can carry the path segments "." and "..".
 */
export const BuyerId = printable(255).regex(/^(?!\.{1,2}$)/, 'expected neither "." nor ".."')
/** Of an `Idempotency-Key`: Redis and PostgreSQL keep it with the reservation. */
export const PURCHASE_KEY_LENGTH_MAX = 64
/** Names one purchase of a buyer in a sale, as `Idempotency-Key`. Tabs and line breaks separate what the book holds. */
export const PurchaseKey = z
  .string()
  .regex(
    new RegExp(`^[!-~]{1,${PURCHASE_KEY_LENGTH_MAX}}$`),
    `expected 1 to ${PURCHASE_KEY_LENGTH_MAX} visible ASCII characters`,
  )
/**
 * The name of a ledger, a dot, and 128 random bits: the id alone tells the hash tag of the ledger's Redis keys. The
 * ledger is named by its sale and, of a sale with several shards, the number of its shard unless that is 0.
 */
export const ReservationId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,31}(\.[1-9]\d?)?\.[\w-]{22}$/, 'expected a reservation id')
export const OrderId = z.uuid('expected an order id')
export const CouponCode = z.string().regex(/^[A-Za-z0-9-]{1,40}$/, 'expected 1 to 40 of A–Z, a–z, 0–9 and -')

export const Currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .describe('of the amounts, as ISO 4217 has it')
