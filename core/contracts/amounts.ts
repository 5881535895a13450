/** Largest amount of one order, coupon or points deduction: the column is an int4. */
export const AMOUNT_CENTS_MAX = 2_147_483_647

/** Of an `Idempotency-Key`: Redis and PostgreSQL keep it with the reservation. */
export const PURCHASE_KEY_LENGTH_MAX = 64
