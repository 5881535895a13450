import { databaseUrlFault } from '../core/platform/stores/database-url.ts'
import { NO_FILTERS, readMigrations, type SchemaEngine, withSchemaEngine } from './schema-engine.ts'

type MigrationsList = Awaited<ReturnType<typeof readMigrations>>

/** The database was migrated by a checkout whose migrations are not those of this one. */
export class ForeignHistory extends Error {}

/**
 * Applies the migrations that the database does not have yet, in order.
 * @returns their names; none when the database is up to date.
 * @throws ForeignHistory before anything is applied, or the engine's error, which names the migration that failed; the
 * database remembers it as failed, and an operator must mend it.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const migrationsList = await readMigrations()
  return await withSchemaEngine(databaseUrl, async (engine) => {
    await refuseForeignHistory(engine, migrationsList)
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS })
    return appliedMigrationNames
  })
}

/**
 * applyMigrations compares names only, and would call a database of an older checkout up to date. Names that only the
 * database has are allowed: an older release must start beside a newer one.
 */
async function refuseForeignHistory(engine: SchemaEngine, migrationsList: MigrationsList): Promise<void> {
  const { editedMigrationNames } = await engine.diagnoseMigrationHistory({
    migrationsList,
    optInToShadowDatabase: false,
    filters: NO_FILTERS,
  })
  if (editedMigrationNames.length === 0) return
  throw new ForeignHistory(
    `The database was migrated by another checkout: its ${editedMigrationNames.join(', ')} differs from the one here. ` +
      'Run: npm run reset (clears all data that npm start stored). In place of a database of your own, give an empty one.',
  )
}

if (process.argv[1] === import.meta.filename) {
  const url = process.env.DATABASE_URL
  if (!url) {
    console.error(
      'DATABASE_URL is missing: expected the PostgreSQL to migrate, like postgresql://user:password@host:5432/seckill',
    )
    process.exit(78)
  }
  const fault = databaseUrlFault(url)
  if (fault) {
    console.error(`DATABASE_URL: ${fault}.`)
    process.exit(78)
  }
  try {
    const applied = await migrate(url)
    console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Up to date, nothing to apply.')
  } catch (error) {
    if (!(error instanceof ForeignHistory)) throw error
    console.error(error.message)
    process.exitCode = 78
  }
}
