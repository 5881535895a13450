/** What one order may cost, and so what a coupon or points may take off it: a column of PostgreSQL (int4) holds no more. */
export const AMOUNT_CENTS_MAX = 2_147_483_647
