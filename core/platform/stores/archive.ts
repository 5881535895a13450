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
