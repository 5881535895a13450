import type { RequestHandler } from 'express'
import { BlacklistRequest, BuyerId } from '../../core/contracts/http.ts'
import { parse } from '../../core/platform/problem.ts'
import type { SaleDeps } from '../open-sale.ts'

/** PUT /blacklist/:buyerId */
export function putBlacklist({ database, stock, door }: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    const buyerId = parse(BuyerId, req.params.buyerId)
    const { reason } = parse(BlacklistRequest, req.body)
    // The database first: the order service asks it again, so that nothing slips through while Redis is being told.
    await database.blacklistEntry.upsert({ where: { buyerId }, create: { buyerId, reason }, update: { reason } })
    for (const saleId of await stock.saleIds()) await door.setBlacklisted(saleId, buyerId, true)
    res.json({ buyerId, reason })
  }
}

/** DELETE /blacklist/:buyerId */
export function deleteBlacklist({ database, stock, door }: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    const buyerId = parse(BuyerId, req.params.buyerId)
    await database.blacklistEntry.deleteMany({ where: { buyerId } })
    for (const saleId of await stock.saleIds()) await door.setBlacklisted(saleId, buyerId, false)
    res.status(204).end()
  }
}
