import { closedSale, type RebuildDeps } from './close-sale.ts'

/** Advisory lock of a sale's figures, with the hash of the sale's id: one writer at a time. */
const FIGURES_LOCK = 7_350_003

/**
 * Writes into the ledger what a sale is in PostgreSQL: window, title, price, limit per buyer, stock. Writers take turns
 * and read the sale under their lock, so that the last one writes what was committed last. The lock is not the sale's
 * row: every order of the sale would wait for Redis.
 * @throws when PostgreSQL or Redis does not answer; the reconciler repeats it.
 */
export async function bringIntoLine({ database, saleAdmin }: RebuildDeps, saleId: string): Promise<void> {
  await database.$transaction(async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIGURES_LOCK}, hashtext(${saleId}))`
    const sale = await tx.sale.findUnique({ where: { id: saleId } })
    if (sale) await saleAdmin.amend(closedSale(sale))
  })
}
