import { databaseUrlFault } from '../core/platform/stores/database-url.ts'
import { NO_FILTERS, readMigrations, withSchemaEngine } from './schema-engine.ts'

/**
 * Applies the migrations that the database does not have yet, in order.
 * @returns their names; none when the database is up to date.
 * @throws when one fails, naming it; the database remembers it as failed and wants a person.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const migrationsList = await readMigrations()
  const { appliedMigrationNames } = await withSchemaEngine(databaseUrl, (engine) =>
    engine.applyMigrations({ migrationsList, filters: NO_FILTERS }),
  )
  return appliedMigrationNames
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
  const applied = await migrate(url)
  console.log(applied.length > 0 ? `Applied ${applied.join(', ')}.` : 'Up to date, nothing to apply.')
}
