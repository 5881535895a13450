import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from '../test/support/world.ts'
import { migrate } from './migrate.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())

const changeHistory = (sql: string) => world.database.$executeRawUnsafe(sql)

test('a database that this release or a newer one has migrated is up to date', async () => {
  expect(await migrate(world.databaseUrl)).toEqual([])
  await changeHistory(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
     VALUES ('newer', 'x', '99990101000000_newer', now(), 1)`,
  )
  expect(await migrate(world.databaseUrl)).toEqual([])
})

test('a database of an older checkout is refused in one sentence that says what to do', async () => {
  await changeHistory(`UPDATE _prisma_migrations SET checksum = repeat('0', 64) WHERE migration_name LIKE '%_init'`)
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
