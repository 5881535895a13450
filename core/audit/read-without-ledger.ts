import type { Transaction } from '../platform/stores/database.ts'
import type { SaleReading } from './checks.ts'
import { findViolations, readSales } from './read-database.ts'
import type { StockReading } from './read-stock.ts'
import type { AuditLimits } from './report.ts'

const NOTHING_IN_REDIS: StockReading = {
  left: null,
  moving: 0,
  epoch: null,
  isOpen: false,
  figures: undefined,
  reconciledAtMs: null,
  pending: 0,
  undecided: 0,
  overdue: [],
}

/**
 * Reads a sale whose ledger has expired, from PostgreSQL alone; undefined when there is no such sale. Of an archived
 * sale in a transaction that reads the archive.
 */
export async function readWithoutLedger(
  tx: Transaction,
  saleId: string,
  limits: AuditLimits,
): Promise<SaleReading | undefined> {
  const [sale] = await readSales(tx, [saleId])
  if (!sale) return undefined
  const findings = await findViolations(tx, [saleId], limits)
  const stock = NOTHING_IN_REDIS
  return { earlier: sale, later: sale, stock, findings, isOpen: false, isForgotten: true, quiet: true }
}
