import type { SaleTerms } from '../contracts/limit-per-buyer.ts'
import { isPlain, type Opening } from '../contracts/opening.ts'
import type { Database, Sale } from '../platform/stores/database.ts'
import { type ClosedSale, type SaleState, stateOfSale } from '../stock/sale-state.ts'
import type { SaleAdmin } from '../stock/sale-admin.ts'
import { ledgersOf, shareOf } from '../stock/shards.ts'
import { seedHashOf } from '../waiting-room/order.ts'

export interface RebuildDeps {
  database: Database
  saleAdmin: SaleAdmin
}

/**
 * Raises the epoch of a sale whose ledger cannot be trusted, and writes its figures, closed. Under the
 * lock of its row, so that a sale is closed once; undefined when another process has just done so.
 * @param stuckEpoch a sale that is closed under this epoch is closed anew: the process that was to reopen it has died
 * @throws when PostgreSQL or Redis does not answer; then nothing is closed, or a repeat closes it.
 */
export async function closeSale(
  { database, saleAdmin }: RebuildDeps,
  saleId: string,
  stuckEpoch?: number,
): Promise<Sale | undefined> {
  return database.$transaction(async (tx) => {
    const [row] = await tx.$queryRaw<{ epoch: number; shards: number }[]>`
      SELECT epoch, shards FROM sales WHERE id = ${saleId} FOR UPDATE`
    if (!row) return undefined
    const found = await readState(saleAdmin, { id: saleId, shards: row.shards })
    const isFine = found.state !== 'LOST' && found.epoch === row.epoch
    if (isFine && !(found.state === 'CLOSED' && found.epoch === stuckEpoch)) return undefined
    // Redis may be ahead of a PostgreSQL that was restored from a backup.
    const sale = await tx.sale.update({ where: { id: saleId }, data: { epoch: Math.max(row.epoch, found.epoch) + 1 } })
    // All at once: round trips one after the other would hold the row's lock for too long with many shards.
    await Promise.all(closedLedgers(sale).map((ledger) => saleAdmin.close(ledger)))
    return sale
  })
}

/** Whether buyers can reserve, in all shards. @throws when Redis does not answer */
export async function readState(saleAdmin: SaleAdmin, { id, shards }: Pick<Sale, 'id' | 'shards'>): Promise<SaleState> {
  return stateOfSale(await Promise.all(ledgersOf(id, shards).map((ledger) => saleAdmin.read(ledger))))
}

/** The columns of a sale that the ledger has, too. */
export type SaleRow = Pick<
  Sale,
  | 'id'
  | 'epoch'
  | 'title'
  | 'priceCents'
  | 'stock'
  | 'perBuyerLimit'
  | 'shards'
  | 'opensAt'
  | 'closesAt'
  | 'isStopped'
  | 'opening'
  | 'openingSeed'
  | 'earlierTerms'
>

export function closedSale(sale: SaleRow): ClosedSale {
  const terms = termsBefore(sale).length
  const opening = openingOf(sale)
  return {
    saleId: sale.id,
    epoch: sale.epoch,
    title: sale.title,
    priceCents: sale.priceCents,
    total: sale.stock,
    perBuyerLimit: sale.perBuyerLimit,
    ...(sale.shards > 1 && { shards: sale.shards }),
    opensAtMs: sale.opensAt.getTime(),
    closesAtMs: sale.closesAt.getTime(),
    ...(sale.isStopped && { isStopped: true }),
    ...(!isPlain(opening) && { opening }),
    ...(opening.waitingRoom && { seedHash: seedHashOf(sale.openingSeed) }),
    ...(terms > 0 && { terms }),
  }
}

/** The rules of its opening; {} for none. */
export const openingOf = ({ opening }: Pick<Sale, 'opening'>) => opening as unknown as Opening

/** Price and limit per buyer before each of their changes, oldest first: by the number of the terms. */
export const termsBefore = ({ earlierTerms }: Pick<Sale, 'earlierTerms'>) => earlierTerms as unknown as SaleTerms[]

/** What each ledger of a sale has of it: all that the sale is, and a share of its units. */
export function closedLedgers(sale: SaleRow): ClosedSale[] {
  return ledgersOf(sale.id, sale.shards).map((ledger, shard) => ({
    ...closedSale(sale),
    saleId: ledger,
    total: shareOf(sale.stock, sale.shards, shard),
  }))
}
