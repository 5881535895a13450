import type { SaleTerms } from '../contracts/limit-per-buyer.ts'
import { isPlain, type Opening } from '../contracts/opening.ts'
import type { Database, Sale } from '../platform/stores/database.ts'
import { type ClosedSale, type SaleState, stateOfSale } from '../stock/sale-state.ts'
import type { SaleAdmin } from '../stock/sale-admin.ts'
import { holderUnitsFrom, ledgersOf, shareOf } from '../stock/shards.ts'
import { seedHashOf } from '../waiting-room/order.ts'
import { lockFigures } from './lock-figures.ts'
import { roomOf } from '../waiting-room/room-rules.ts'

export interface RebuildDeps {
  database: Database
  saleAdmin: SaleAdmin
}

/**
 * Raises the epoch of a sale whose ledger cannot be trusted, and writes its figures, closed. Shards that are open go on
 * selling under the new epoch. Under the lock of its row, so that a sale is closed once; undefined when another process
 * has just done so.
 * @param stuckEpoch a sale that is closed under this epoch is closed anew: the process that was to reopen it has died
 * @throws when PostgreSQL or Redis does not answer; then nothing is closed, or a repeat closes it.
 */
export async function closeSale(
  { database, saleAdmin }: RebuildDeps,
  saleId: string,
  stuckEpoch?: number,
): Promise<Sale | undefined> {
  return database.$transaction(async (tx) => {
    const sale = await tx.sale.findUnique({ where: { id: saleId }, select: { id: true, shards: true } })
    if (!sale) return undefined
    // The units of shards that are closed alone depend on those of the others. Before the row, as changes do.
    if (sale.shards > 1) await lockFigures(tx, saleId)
    const [row] = await tx.$queryRaw<{ epoch: number }[]>`SELECT epoch FROM sales WHERE id = ${saleId} FOR UPDATE`
    if (!row) return undefined
    const shards = await readShards(saleAdmin, sale)
    const found = stateOfSale(shards)
    const isFine = found.state !== 'LOST' && found.epoch === row.epoch
    if (isFine && !(found.state === 'CLOSED' && found.epoch === stuckEpoch)) return undefined
    // Redis may be ahead of a PostgreSQL that was restored from a backup.
    const closed = await tx.sale.update({
      where: { id: saleId },
      data: { epoch: Math.max(row.epoch, found.epoch) + 1 },
    })
    // One that is behind PostgreSQL is a copy that another server has kept.
    const open = shards.map(({ state, epoch }) => state === 'OPEN' && epoch >= row.epoch)
    if (open.includes(true)) await closeShards(saleAdmin, closed, shards, open)
    // All at once: round trips one after the other would hold the row's lock for too long with many shards.
    else await Promise.all(closedLedgers(closed).map((ledger) => saleAdmin.close(ledger)))
    return closed
  })
}

/** Closes the shards that are not open, and takes the others over into the sale's epoch. @throws when one closes now */
async function closeShards(saleAdmin: SaleAdmin, sale: Sale, shards: SaleState[], open: boolean[]): Promise<void> {
  const ledgers = closedLedgers(sale)
  const rebuilt = ledgers.flatMap((_, shard) => (open[shard] ? [] : [shard]))
  const others = await Promise.all(
    ledgers.flatMap(({ saleId }, shard) =>
      open[shard] ? [saleAdmin.readUnits(saleId).then((units) => ({ ...units, shard }))] : [],
    ),
  )
  const adopted = await Promise.all(
    others.map(({ shard }) =>
      saleAdmin.adopt(ledgers[shard]?.saleId ?? '', sale.epoch, shards[shard]?.epoch ?? 0, rebuilt),
    ),
  )
  if (adopted.includes('STALE')) throw new Error(`A shard of ${sale.id} was lost while others were closed`)
  const total = Math.max(0, sale.stock - others.reduce((sum, units) => sum + units.total, 0))
  const known = others.map(({ shard, holderUnits }) => ({ shard, units: holderUnits }))
  await Promise.all(
    rebuilt.map((shard, i) =>
      saleAdmin.close(
        { ...closedSale(sale), saleId: ledgers[shard]?.saleId ?? '', total: shareOf(total, rebuilt.length, i) },
        holderUnitsFrom(known, shard),
      ),
    ),
  )
}

type Sharded = Pick<Sale, 'id' | 'shards'>

/** Whether buyers can reserve, in all shards. @throws when Redis does not answer */
export async function readState(saleAdmin: SaleAdmin, sale: Sharded): Promise<SaleState> {
  return stateOfSale(await readShards(saleAdmin, sale))
}

/** The same of each shard. @throws when Redis does not answer */
export async function readShards(saleAdmin: SaleAdmin, { id, shards }: Sharded): Promise<SaleState[]> {
  return Promise.all(ledgersOf(id, shards).map((ledger) => saleAdmin.read(ledger)))
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
    ...(roomOf(opening) && { seedHash: seedHashOf(sale.openingSeed) }),
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
