/**
 * Usage: npm run migration -- <name>      a few words, such as add-coupons
 *        npm run migration -- --check     writes nothing; exits 1 when the schema and the migrations differ
 * Writes the next migration, migrations/<time>_<name>/migration.sql, for you to read and amend: the SQL from the
 * migrations so far to schema.prisma.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commandLine, refuse } from '../core/platform/process/command-line.ts'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../dev/scratch-folder.ts'
import { startPostgres } from '../dev/servers/postgres.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { sqlToSchema } from './schema-engine.ts'

const {
  values: { check },
  positionals: [name],
} = commandLine({ check: { type: 'boolean' } }, [0, 1])
if ((name === undefined) !== (check === true)) refuse('Expected either a name or --check.')
if (name !== undefined && !/^\w[\w-]*$/.test(name))
  refuse(`Expected a name of letters, digits, _ and -, got "${name}".`)

const sql = await missingSql()
if (sql === '') console.log('The migrations and schema.prisma say the same.')
else if (name !== undefined) console.log(`Wrote ${await write(name, sql)}. Read it, and amend it where data must move.`)
else {
  console.error(`schema.prisma and the migrations differ. Run: npm run migration -- <name>. It would write:\n${sql}`)
  process.exitCode = 1
}

/** The SQL from the migrations to schema.prisma; empty when they agree. Runs the migrations on a PostgreSQL of its own. */
async function missingSql(): Promise<string> {
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    onStart: record.started.bind(record),
    settings: { fsync: 'off' },
  })
  try {
    await migrate(postgres.url)
    return await sqlToSchema(postgres.url)
  } finally {
    await postgres.stop()
    await removeScratchFolder(folder)
  }
}

async function write(name: string, sql: string): Promise<string> {
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14) // 20260131235959: migrations run in this order.
  const folder = join(MIGRATIONS, `${time}_${name.replaceAll('-', '_')}`)
  await mkdir(folder)
  const file = join(folder, 'migration.sql')
  await writeFile(file, sql)
  return file
}
