import type { RequestHandler } from 'express'
import { BuyerId, CouponCode } from '../../core/contracts/values.ts'
import { CouponRequest, PointsRequest } from '../../core/contracts/operations.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { parse } from '../../core/platform/http/problem.ts'

/**
 * PUT /coupons/:code: makes a coupon, or changes what it is worth and whose it is. An order that has it already keeps
 * its price.
 */
export function putCoupon(database: Database): RequestHandler<{ code: string }> {
  return async (req, res) => {
    const code = parse(CouponCode, req.params.code)
    const { discountCents, buyerId = null } = parse(CouponRequest, req.body)
    const coupon = await database.coupon.upsert({
      where: { code },
      create: { code, discountCents, buyerId },
      update: { discountCents, buyerId },
    })
    res.json(coupon)
  }
}

/** POST /points/:buyerId: gives a buyer points; @returns what they have now */
export function postPoints(database: Database): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    const buyerId = parse(BuyerId, req.params.buyerId)
    const { points } = parse(PointsRequest, req.body)
    await database.pointsEntry.create({ data: { buyerId, step: 'GIVEN', points } })
    const { _sum } = await database.pointsEntry.aggregate({ where: { buyerId }, _sum: { points: true } })
    res.status(201).json({ buyerId, points: _sum.points ?? 0 })
  }
}
