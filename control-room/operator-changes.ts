import type { ChangeView } from '../core/contracts/operations.ts'
import type { OperatorChange, Prisma, Transaction } from '../core/platform/stores/database.ts'

export async function logChanges(tx: Transaction, rows: Prisma.OperatorChangeCreateManyInput[]): Promise<void> {
  await tx.operatorChange.createMany({ data: rows })
}

/** A 412 tells of so many at most. */
const SINCE_MAX = 50

/** What was changed of a sale after that version, oldest first; all of it when the version is none. */
export async function changesSince(tx: Transaction, saleId: string, version: number): Promise<ChangeView[]> {
  const after = Number.isInteger(version) && Math.abs(version) < 2 ** 31 ? version : 0
  const rows = await tx.operatorChange.findMany({
    where: { saleId, version: { gt: after } },
    orderBy: { id: 'asc' },
    take: SINCE_MAX,
  })
  return rows.map(changeView)
}

/** Changes before that one, the newest first; of one sale, or all and those of the blacklist. */
export async function listChanges(
  tx: Transaction,
  saleId: string | undefined,
  before: bigint | undefined,
  most: number,
): Promise<OperatorChange[]> {
  return tx.operatorChange.findMany({
    where: { ...(saleId !== undefined && { saleId }), ...(before !== undefined && { id: { lt: before } }) },
    orderBy: { id: 'desc' },
    take: most,
  })
}

export function changeView({ id, saleId, field, oldValue, newValue, operator, at }: OperatorChange): ChangeView {
  return { id: String(id), saleId, field, from: oldValue, to: newValue, operator, at: at.toISOString() }
}
