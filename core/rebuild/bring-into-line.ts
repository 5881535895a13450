import type { Sale } from '../platform/stores/database.ts'
import type { SaleAdmin } from '../stock/sale-admin.ts'
import type { ClosedSale } from '../stock/sale-state.ts'
import { spread } from '../stock/shards.ts'
import { closedLedgers, type RebuildDeps } from './close-sale.ts'
import { lockFigures } from './lock-figures.ts'

/**
 * Writes into the ledger what a sale is in PostgreSQL: window, title, price, limit per buyer, stock, stopped or
 * not, and the rules of its opening.
 * Writers take turns and read the sale under their lock, so that the last one writes what was committed last. The lock
 * is not the sale's row: every order of the sale would wait for Redis.
 * @throws when PostgreSQL or Redis does not answer; the reconciler repeats it.
 */
export async function bringIntoLine({ database, saleAdmin }: RebuildDeps, saleId: string): Promise<void> {
  await database.$transaction(async (tx) => {
    await lockFigures(tx, saleId)
    const sale = await tx.sale.findUnique({ where: { id: saleId } })
    if (sale) await Promise.all((await amendedLedgers(saleAdmin, sale)).map((ledger) => saleAdmin.amend(ledger)))
  })
}

/** Of a stock that was changed each shard gets a part; units are taken from the shards that have some. */
async function amendedLedgers(saleAdmin: SaleAdmin, sale: Sale): Promise<ClosedSale[]> {
  const ledgers = closedLedgers(sale)
  if (ledgers.length === 1) return ledgers
  const found = await Promise.all(ledgers.map(({ saleId }) => saleAdmin.readUnits(saleId)))
  // With a part of the ledger lost the sum is wrong; the sale will be rebuilt.
  if (found.some(({ epoch }) => epoch !== sale.epoch)) return []
  const total = found.reduce((sum, units) => sum + units.total, 0)
  const changes = spread(
    sale.stock - total,
    found.map(({ left }) => left),
  )
  return ledgers.map((ledger, shard) => ({ ...ledger, total: (found[shard]?.total ?? 0) + (changes[shard] ?? 0) }))
}
