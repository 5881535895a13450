import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'
import type { ChangeView } from '../core/contracts/operations.ts'
import { misfit, type SaleChange } from '../core/contracts/sales.ts'
import { failpoint } from '../core/platform/process/failpoint.ts'
import type { Prisma, Sale, Transaction } from '../core/platform/stores/database.ts'
import { bringIntoLine } from '../core/rebuild/bring-into-line.ts'
import { termsBefore } from '../core/rebuild/close-sale.ts'
import { lockFigures } from '../core/rebuild/lock-figures.ts'
import { changesSince, logChanges } from './operator-changes.ts'
import type { SaleDeps } from './open-sale.ts'
import { withdrawUnits } from './withdraw-units.ts'

/** Every batch of orders reads the earlier terms; the table has the same limit. */
const TERMS_CHANGES_MAX = 100

export type Changed =
  | { outcome: 'CHANGED'; sale: Sale }
  | { outcome: 'NO_SUCH_SALE' }
  | { outcome: 'CHANGED_MEANWHILE'; changes: ChangeView[] }
  | { outcome: 'MISFIT'; path: string; message: string }
  /** So many units are sold or held. */
  | { outcome: 'STOCK_IN_USE'; least: number }
  /** Its ledger is not open, or is being rebuilt. */
  | { outcome: 'NOT_NOW' }

interface Author {
  operator: string
  /** The version that they have seen; undefined changes any. */
  seen: string | undefined
}

/**
 * Changes a sale in PostgreSQL and then in Redis, with a row in the log for each field. Changes at the same time take
 * turns. A crash, or Redis being away, in between leaves Redis to the reconciler. Only units that are taken away are
 * taken from Redis first, where buyers reserve them; when PostgreSQL then is not told, the reconciler puts them back.
 */
export async function changeSale(
  deps: SaleDeps,
  saleId: string,
  change: z.output<typeof SaleChange>,
  author: Author,
): Promise<Changed> {
  const changed = await deps.database.$transaction((tx) => changeInPostgres(deps, tx, saleId, change, author))
  if (changed.outcome === 'CHANGED') failpoint('changing.beforeRedis')
  // After a refusal, too: units of some shards may have been taken.
  else if (change.stock === undefined) return changed
  await bringIntoLine(deps, saleId)
  return changed
}

async function changeInPostgres(
  { saleAdmin }: SaleDeps,
  tx: Transaction,
  saleId: string,
  change: z.output<typeof SaleChange>,
  { operator, seen }: Author,
): Promise<Changed> {
  await lockFigures(tx, saleId)
  const found = await tx.sale.findUnique({ where: { id: saleId } })
  if (!found) return { outcome: 'NO_SUCH_SALE' }
  if (seen !== undefined && seen !== String(found.version))
    return { outcome: 'CHANGED_MEANWHILE', changes: await changesSince(tx, saleId, Number(seen)) }
  const sale = withChange(found, change)
  const fields = differences(found, sale)
  if (fields.length === 0) return { outcome: 'CHANGED', sale: found }
  const wrong = misfit(sale) ?? tooManyTerms(found, sale)
  if (wrong) return { outcome: 'MISFIT', ...wrong }
  if (sale.stock < found.stock) {
    const withdrawn = await withdrawUnits(saleAdmin, found, found.stock - sale.stock)
    if (withdrawn === 'NOT_OPEN') return { outcome: 'NOT_NOW' }
    if (withdrawn !== 'WITHDRAWN') return { outcome: 'STOCK_IN_USE', least: found.stock - withdrawn.left }
    failpoint('withdrawing.beforeCommit')
  }
  // Under another epoch the ledger was built anew from what PostgreSQL said, and has the units that were taken.
  const [updated] = await tx.sale.updateManyAndReturn({
    where: { id: saleId, epoch: found.epoch },
    data: { ...changedColumns(found, sale), version: found.version + 1 },
  })
  if (!updated) return { outcome: 'NOT_NOW' }
  await logChanges(
    tx,
    fields.map((field) => ({
      saleId,
      version: updated.version,
      field,
      oldValue: loggable(found[field]),
      newValue: loggable(sale[field]),
      operator,
    })),
  )
  return { outcome: 'CHANGED', sale: updated }
}

const FIELDS = ['title', 'priceCents', 'stock', 'perBuyerLimit', 'opensAt', 'closesAt', 'isStopped', 'opening'] as const
type Changeable = Pick<Sale, (typeof FIELDS)[number]>

function withChange(sale: Sale, change: z.output<typeof SaleChange>): Changeable {
  return {
    title: change.title ?? sale.title,
    priceCents: change.priceCents ?? sale.priceCents,
    stock: change.stock ?? sale.stock,
    perBuyerLimit: change.perBuyerLimit ?? sale.perBuyerLimit,
    opensAt: change.opensAt === undefined ? sale.opensAt : new Date(change.opensAt),
    closesAt: change.closesAt === undefined ? sale.closesAt : new Date(change.closesAt),
    isStopped: change.isStopped ?? sale.isStopped,
    opening: (change.opening as Prisma.JsonObject | undefined) ?? sale.opening,
  }
}

const differences = (before: Changeable, after: Changeable) =>
  FIELDS.filter((field) => !isDeepStrictEqual(loggable(before[field]), loggable(after[field])))

const loggable = (value: Changeable[keyof Changeable]) =>
  (value instanceof Date ? value.toISOString() : value) as Exclude<Prisma.InputJsonValue, null>

const isWindowOther = (found: Changeable, { opensAt, closesAt }: Changeable) =>
  found.opensAt.getTime() !== opensAt.getTime() || found.closesAt.getTime() !== closesAt.getTime()

const areTermsOther = (found: Changeable, { priceCents, perBuyerLimit }: Changeable) =>
  found.priceCents !== priceCents || found.perBuyerLimit !== perBuyerLimit

function tooManyTerms(found: Sale, sale: Changeable): { path: string; message: string } | undefined {
  if (!areTermsOther(found, sale) || termsBefore(found).length < TERMS_CHANGES_MAX) return undefined
  return { path: 'priceCents', message: `expected at most ${TERMS_CHANGES_MAX} changes of price and limit in one sale` }
}

function changedColumns(found: Sale, sale: Changeable): Prisma.SaleUpdateManyMutationInput {
  const { opensAt, closesAt } = sale
  return {
    ...sale,
    opening: sale.opening as Prisma.InputJsonObject,
    ...(isWindowOther(found, sale) && {
      // The widest window ever is kept: nothing accepted in a wider one becomes wrong by narrowing it.
      earliestOpensAt: earliest(opensAt, found.earliestOpensAt ?? found.opensAt),
      latestClosesAt: latest(closesAt, found.latestClosesAt ?? found.closesAt),
    }),
    ...(areTermsOther(found, sale) && {
      earlierTerms: [
        ...termsBefore(found).map((terms) => ({ ...terms })),
        { priceCents: found.priceCents, perBuyerLimit: found.perBuyerLimit },
      ],
    }),
  }
}

const earliest = (one: Date, other: Date) => (one < other ? one : other)
const latest = (one: Date, other: Date) => (one > other ? one : other)
