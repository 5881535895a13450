import type { RequestHandler } from 'express'
import { BlacklistChange, BlacklistRequest } from '../../core/contracts/operations.ts'
import { BuyerId } from '../../core/contracts/values.ts'
import { failpoint } from '../../core/platform/process/failpoint.ts'
import { parse } from '../../core/platform/http/problem.ts'
import type { SaleDeps } from '../open-sale.ts'

/** PUT /blacklist/:buyerId */
export function putBlacklist(deps: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    const buyerId = parse(BuyerId, req.params.buyerId)
    const { reason } = parse(BlacklistRequest, req.body)
    await list(deps, [buyerId], reason)
    res.json({ buyerId, reason })
  }
}

/** DELETE /blacklist/:buyerId */
export function deleteBlacklist(deps: SaleDeps): RequestHandler<{ buyerId: string }> {
  return async (req, res) => {
    await unlist(deps, [parse(BuyerId, req.params.buyerId)])
    res.status(204).end()
  }
}

/** PATCH /blacklist: many buyers at once */
export function patchBlacklist(deps: SaleDeps): RequestHandler {
  return async (req, res) => {
    const { list: toList, unlist: toUnlist, reason } = parse(BlacklistChange, req.body)
    if (toList) await list(deps, toList, reason ?? '')
    if (toUnlist) await unlist(deps, toUnlist)
    res.json({ listed: toList?.length ?? 0, unlisted: toUnlist?.length ?? 0 })
  }
}

/** The database first: the order service asks it again, so that no reservation becomes an order before Redis knows. */
async function list(deps: SaleDeps, buyerIds: string[], reason: string): Promise<void> {
  await deps.database.$executeRaw`
    INSERT INTO blacklist (buyer_id, reason) SELECT DISTINCT id, ${reason} FROM unnest(${buyerIds}::text[]) AS buyers (id) ORDER BY id
    ON CONFLICT (buyer_id) DO UPDATE SET reason = excluded.reason`
  await tell(deps, buyerIds, true)
}

async function unlist(deps: SaleDeps, buyerIds: string[]): Promise<void> {
  await deps.database.blacklistEntry.deleteMany({ where: { buyerId: { in: buyerIds } } })
  await tell(deps, buyerIds, false)
}

/** The reconciler repeats it after a crash, and for sales that have ended. */
async function tell({ stock, saleAdmin }: SaleDeps, buyerIds: string[], listed: boolean): Promise<void> {
  failpoint('blacklisting.beforeRedis')
  await saleAdmin.setBlacklistedIn(await stock.loaded.open(), buyerIds, listed)
}
