/** Largest amount of one order, coupon or points deduction: the column is an int4. */
export const AMOUNT_CENTS_MAX = 2_147_483_647
