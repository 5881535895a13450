import type { Transaction } from '../platform/stores/database.ts'

/** Advisory lock of a sale's figures, with the hash of the sale's id: one writer at a time. */
const FIGURES_LOCK = 7_350_003

/** Until the end of the transaction no other process changes what the sale is, or writes it into the ledger. */
export async function lockFigures(tx: Transaction, saleId: string): Promise<void> {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIGURES_LOCK}, hashtext(${saleId}))`
}
