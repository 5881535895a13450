import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDatabase } from '../dev/servers/postgres.ts'
import { eventually } from '../test/support/eventually.ts'
import { createWorld, type World } from '../test/support/world.ts'
import { migrate } from './migrate.ts'

let world: World
let folder: string
let emptyUrl: string
let databases = 0
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  emptyUrl = await createDatabase(world.databaseUrl, `${world.name}_${databases++}`)
  return async () => {
    await rm(folder, { recursive: true })
    await world.database.$executeRawUnsafe(`DROP DATABASE "${new URL(emptyUrl).pathname.slice(1)}" WITH (FORCE)`)
  }
})
afterAll(() => world.close())

async function add(name: string, sql: string): Promise<void> {
  await mkdir(join(folder, name), { recursive: true })
  await writeFile(join(folder, name, 'migration.sql'), sql)
}

const WAITING = `
  SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE datname = current_database() AND NOT granted`

async function query(sql: string): Promise<unknown[]> {
  const client = new Client(emptyUrl)
  await client.connect()
  try {
    return (await client.query<object>(sql)).rows
  } finally {
    await client.end()
  }
}

test('migrations are applied in order, and by one of several that start at once', async () => {
  await add('2_second', 'ALTER TABLE lemons ADD COLUMN size int')
  await add('1_first', 'CREATE TABLE lemons (id int); -- one; two\nSELECT pg_advisory_xact_lock(1)')
  const holder = new Client({ connectionString: emptyUrl })
  await holder.connect()
  await holder.query('SELECT pg_advisory_lock(1)')
  const starts = Array.from({ length: 4 }, () => migrate(emptyUrl, folder))
  await eventually(
    'the first to be in its migration, and the others to wait for it',
    async () => (await query(WAITING)).length,
    (waiting) => waiting === 4,
  )
  await holder.end()
  expect((await Promise.all(starts)).flat()).toEqual(['1_first', '2_second'])
})

test('a migration that fails leaves nothing behind, and the next start tries it again', async () => {
  await add('1_first', 'CREATE TABLE lemons (id int)')
  await add('2_second', 'CREATE TABLE limes (id int); SELECT 1 / 0')
  await expect(migrate(emptyUrl, folder)).rejects.toThrow(
    'The migration 2_second failed, and nothing of it was applied: division by zero',
  )
  const refusesItsRow = `ALTER TABLE _prisma_migrations ADD CHECK (migration_name <> '2_second')`
  await add('2_second', `CREATE TABLE limes (id int); ${refusesItsRow}`)
  await expect(migrate(emptyUrl, folder)).rejects.toThrow('The migration 2_second failed')
  await add('2_second', 'CREATE TABLE limes (id int)')
  expect(await migrate(emptyUrl, folder)).toEqual(['2_second'])
})

test('a database is refused that holds something else, or a migration that another program has left half applied', async () => {
  await add('1_first', 'CREATE TABLE lemons (id int)')
  await query('CREATE TABLE customers (id int)')
  await expect(migrate(emptyUrl, folder)).rejects.toThrow(
    'The database holds 1 tables of something else, such as customers; give an empty one (CREATE DATABASE seckill).',
  )
  await query('DROP TABLE customers')
  await migrate(emptyUrl, folder)
  await query('UPDATE _prisma_migrations SET finished_at = NULL')
  await expect(migrate(emptyUrl, folder)).rejects.toThrow(/^The migration 1_first failed in this database earlier/)
})

test('a database that this release or a newer one has migrated is up to date', async () => {
  expect(await migrate(world.databaseUrl)).toEqual([])
  await world.database.$executeRawUnsafe(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ('newer', 'x', '99990101000000_newer', now(), 1)`,
  )
  expect(await migrate(world.databaseUrl)).toEqual([])
})

test('a database of an older checkout is refused in one sentence that says what to do', async () => {
  await world.database.$executeRawUnsafe(
    `UPDATE _prisma_migrations SET checksum = repeat('0', 64) WHERE migration_name LIKE '%_init'`,
  )
  const sentence =
    /^The database was migrated by another checkout: its 20261121000000_init differs .* Run: npm run reset \(.*an empty one\.$/
  await expect(migrate(world.databaseUrl)).rejects.toThrow(sentence)
  const { exitCode, stderr } = await execa('node', ['dev/run.mjs', 'prisma/migrate.ts'], {
    env: { DATABASE_URL: world.databaseUrl },
    reject: false,
  })
  expect(stderr).toMatch(sentence)
  expect(exitCode).toBe(78)
})
