/**
 * Usage: npm run migration -- <name>      a few words, such as add-coupons
 *        npm run migration -- --check     writes nothing; exits 1 when the schema and the migrations differ
 * Writes the next migration, migrations/<time>_<name>/migration.sql, for you to read and amend: the SQL from the
 * migrations so far to schema.prisma.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { commandLine, refuse } from '../core/platform/process/command-line.ts'
import { RunRecord } from '../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder, sweepScratchFolders } from '../dev/scratch-folder.ts'
import { startPostgres } from '../dev/servers/postgres.ts'
import { migrate } from './migrate.ts'
import { MIGRATIONS, NO_FILTERS, SCHEMA, withSchemaEngine } from './schema-engine.ts'

/** What the engine answers when there is something to do, as `prisma migrate diff --exit-code` does. */
const DIFFERS = 2

const {
  values: { check },
  positionals: [name],
} = commandLine({ check: { type: 'boolean' } }, [0, 1])
if ((name === undefined) !== (check === true)) refuse('Expected either a name or --check.')
if (name !== undefined && !/^\w[\w-]*$/.test(name))
  refuse(`Expected a name of letters, digits, _ and -, got "${name}".`)

const sql = await missingSql()
if (sql === '') console.log('The migrations and schema.prisma say the same.')
else if (name === undefined)
  fail(`schema.prisma and the migrations differ. Run: npm run migration -- <name>. It would write:\n${sql}`)
else console.log(`Wrote ${await write(name, sql)}. Read it, and amend it where data must move.`)

/** @returns the SQL that leads from the migrations to the schema, empty when nothing does. */
async function missingSql(): Promise<string> {
  return await inScratchDatabase(async (url) => {
    await migrate(url)
    const files = [{ path: SCHEMA, content: await readFile(SCHEMA, 'utf8') }]
    const { exitCode, stdout } = await withSchemaEngine(url, (engine) =>
      engine.diff({
        // The database as it is, not as the schema says.
        from: { tag: 'schemaDatasource', files, configDir: dirname(SCHEMA) },
        to: { tag: 'schemaDatamodel', files },
        script: true,
        exitCode: true,
        filters: NO_FILTERS,
      }),
    )
    return exitCode === DIFFERS ? (stdout ?? '') : ''
  })
}

/** What the migrations amount to is known once they have run: a PostgreSQL of our own, for as long as that takes. */
async function inScratchDatabase<T>(use: (url: string) => Promise<T>): Promise<T> {
  await sweepScratchFolders()
  const folder = await makeScratchFolder()
  const record = await RunRecord.claim(folder)
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    onStart: record.started.bind(record),
    settings: { fsync: 'off' },
  })
  try {
    return await use(postgres.url)
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

function fail(sentence: string): void {
  console.error(sentence)
  process.exitCode = 1
}
