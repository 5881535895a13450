/** What one order may cost, and so what coupon and points may take off it: PostgreSQL's column (int4) holds no more. */
export const AMOUNT_CENTS_MAX = 2_147_483_647
