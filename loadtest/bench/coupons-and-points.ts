import type { Pool } from 'pg'
import { buyerIdOf, isWishing, POINTS_SPENT } from './load/plan.ts'

const OFF_CENTS = 100

/** Coupons of a sale and points for those of so many buyers who name them. @returns the prefix of the codes */
export async function giveCouponsAndPoints(pool: Pool, saleId: string, buyers: number): Promise<string> {
  const couponPrefix = `${saleId}-`
  const wishing = Array.from({ length: buyers }, (_, buyer) => buyer).filter(isWishing)
  await pool.query('INSERT INTO coupons (code, discount_cents) SELECT code, $2 FROM unnest($1::text[]) AS code', [
    wishing.map((buyer) => couponPrefix + buyer),
    OFF_CENTS,
  ])
  await pool.query(
    `INSERT INTO points_entries (buyer_id, step, points) SELECT buyer, 'GIVEN', $2 FROM unnest($1::text[]) AS buyer`,
    [wishing.map(buyerIdOf), POINTS_SPENT],
  )
  return couponPrefix
}
