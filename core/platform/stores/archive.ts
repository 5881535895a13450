import type { Database, Transaction } from './database.ts'

/**
 * Runs statements against the schema `archive`, whose tables have the columns of those in `public`: until the
 * transaction ends, a table without a schema in its name is the archived one. Prisma's own queries are not concerned:
 * they name the schema `public`.
 */
export async function inArchive<Result>(
  database: Database,
  work: (tx: Transaction) => Promise<Result>,
  options?: Parameters<Database['$transaction']>[1],
): Promise<Result> {
  return database.$transaction(async (tx) => {
    await readArchive(tx)
    return work(tx)
  }, options)
}

/** The same for the rest of a transaction. */
export async function readArchive(tx: Transaction): Promise<void> {
  await tx.$executeRaw`SET LOCAL search_path TO archive, public`
}

const TABLES = [
  'decisions orders payments refunds sagas inbox coupon_entries points_entries risk_reviews',
  'sale_seconds sale_totals',
].flatMap((line) => line.split(' '))

/** Runs read-only statements against the rows of both schemas, for a sale that is archived in part. */
export async function inBoth<Result>(tx: Transaction, work: () => Promise<Result>): Promise<Result> {
  // A temporary view is found before any table of its name. When the work fails, the rollback drops them.
  for (const table of TABLES)
    await tx.$executeRawUnsafe(
      `CREATE TEMPORARY VIEW ${table} AS TABLE public.${table} UNION ALL TABLE archive.${table}`,
    )
  const result = await work()
  await tx.$executeRawUnsafe(`DROP VIEW ${TABLES.map((table) => `pg_temp.${table}`).join()}`)
  return result
}
