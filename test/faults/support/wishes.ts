import type { Ledgers } from './ledgers.ts'
import type { Random } from './random.ts'

/** Coupon and points of a purchase. */
export interface Wishes {
  coupon?: string
  points?: number
}

/** Fewer coupons than buyers who use one: some are refused, and later get a returned one. */
const COUPONS = 10
/** Of 10.00, so that no order comes for nothing. */
const DISCOUNT_CENTS = 200
const POINTS = 50
const MORE_THAN_ANYBODY_HAS = 100_000

const couponOf = (saleId: string, n: number) => `${saleId}-${n}`

/** Makes the coupons of a sale, and gives its buyers points. */
export async function fillPockets({ database }: Ledgers, saleId: string, buyerIds: string[]): Promise<void> {
  await database.coupon.createMany({
    data: Array.from({ length: COUPONS }, (_, n) => ({ code: couponOf(saleId, n), discountCents: DISCOUNT_CENTS })),
  })
  await database.pointsEntry.createMany({
    data: buyerIds.map((buyerId) => ({ buyerId, step: 'GIVEN' as const, points: POINTS })),
  })
}

/** Half of the purchases use neither. */
export function drawWishes(random: Random, saleId: string): Wishes {
  const coupon = couponOf(saleId, random.between(0, COUPONS - 1))
  const nothing: Wishes[] = [{}, {}, {}, {}, {}]
  return random.pick([
    ...nothing,
    { coupon },
    { coupon },
    { points: POINTS },
    { coupon, points: POINTS },
    { coupon, points: MORE_THAN_ANYBODY_HAS },
  ])
}
