import type { RequestHandler } from 'express'
import { BlacklistChange, BlacklistRequest } from '../../core/contracts/operations.ts'
import { BuyerId } from '../../core/contracts/values.ts'
import { parse } from '../../core/platform/http/problem.ts'
import { changeBlacklist } from '../change-blacklist.ts'
import type { SaleDeps } from '../open-sale.ts'
import { operatorOf } from '../operator.ts'

/** PUT /blacklist/:buyerId */
export function putBlacklist(deps: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    const buyerId = parse(BuyerId, req.params.buyerId)
    const { reason } = parse(BlacklistRequest, req.body)
    await changeBlacklist(deps, { list: [buyerId], reason }, operatorOf(req))
    res.json({ buyerId, reason })
  }
}

/** DELETE /blacklist/:buyerId */
export function deleteBlacklist(deps: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    await changeBlacklist(deps, { unlist: [parse(BuyerId, req.params.buyerId)] }, operatorOf(req))
    res.status(204).end()
  }
}

/** PATCH /blacklist: many buyers at once */
export function patchBlacklist(deps: SaleDeps): RequestHandler {
  return async (req, res) => {
    const { list = [], unlist = [], reason } = parse(BlacklistChange, req.body)
    await changeBlacklist(deps, { list, unlist, ...(reason !== undefined && { reason }) }, operatorOf(req))
    res.json({ listed: list.length, unlisted: unlist.length })
  }
}
