import { connect, createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Ledger, reservation, rules } from '../../../test/support/ledger.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { createWorld, type World } from '../../../test/support/world.ts'
import { migrate } from '../../../prisma/migrate.ts'
import { findOverdueOrders } from '../../orders/overdue.ts'
import { placeOrders } from '../../orders/place-orders.ts'
import { databaseCheck } from './database-check.ts'
import { connectDatabase } from './connect-database.ts'
import type { Database } from './database.ts'
import { isOutage } from './outage.ts'

let world: World
let ledger: Ledger
beforeAll(async () => {
  world = await createWorld()
  ledger = new Ledger(world)
})
afterAll(async () => {
  await world.close()
})

/** Connections that are opened during the work get these defaults of the database. */
async function withDefaults(
  defaults: Record<string, string>,
  work: (database: Database) => Promise<void>,
  url = world.databaseUrl,
): Promise<void> {
  await world.database.$executeRawUnsafe(`ALTER DATABASE "${world.name}" RESET ALL`)
  for (const [name, value] of Object.entries(defaults))
    await world.database.$executeRawUnsafe(`ALTER DATABASE "${world.name}" SET ${name} = ${value}`)
  const database = connectDatabase(url, { connections: 4, statementTimeoutMs: 5_000 })
  try {
    await work(database)
  } finally {
    await database.$disconnect()
    await world.database.$executeRawUnsafe(`ALTER DATABASE "${world.name}" RESET ALL`)
  }
}

const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Asia/Kolkata',
  'America/Los_Angeles',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
]
/**
 * On both sides of a change of clocks: an hour that comes twice, and one that never comes, in each of the zones that
 * change.
 */
const MOMENTS = [
  '2026-11-01T08:30:00.123Z',
  '2026-11-01T09:30:00.456Z',
  '2026-03-08T09:59:59.999Z',
  '2026-03-08T10:00:00.000Z',
  '2026-11-01T03:45:00.000Z',
  '2026-11-01T04:45:00.000Z',
  '2026-04-04T14:45:00.000Z',
  '2026-04-04T15:15:00.000Z',
  '2026-10-03T15:30:00.000Z',
  '1969-12-31T23:59:59.001Z',
].map((moment) => new Date(moment))

test.each(ZONES)(
  'in a database whose time zone is %s, times are read as they were written, and orders become overdue in time',
  async (zone) => {
    await withDefaults({ timezone: `'${zone}'` }, async (database) => {
      const saleId = await ledger.sale(2)
      for (const moment of MOMENTS) {
        await database.sale.update({ where: { id: saleId }, data: { opensAt: moment } })
        const [row] = await database.$queryRaw<{ seconds: number; at: Date; isEqual: boolean }[]>`
          SELECT extract(epoch FROM opens_at)::float8 AS seconds, opens_at AS at, opens_at = ${moment} AS "isEqual"
          FROM sales WHERE id = ${saleId}`
        expect(row, moment.toISOString()).toEqual({ seconds: moment.getTime() / 1_000, at: moment, isEqual: true })
        expect((await database.sale.findUniqueOrThrow({ where: { id: saleId } })).opensAt).toEqual(moment)
      }
      const [row] = await database.$queryRaw<{ all: Date[] }[]>`SELECT ${MOMENTS}::timestamptz[] AS all`
      expect(row?.all.map((moment) => new Date(moment))).toEqual(MOMENTS)

      await placeOrders(database, [reservation(saleId, 1), reservation(saleId, 2)], rules)
      const [first, second] = [await ledger.orderOf(`${saleId}.1`), await ledger.orderOf(`${saleId}.2`)]
      await database.order.update({ where: { id: second.id }, data: { paymentDeadline: new Date(Date.now() - 1_000) } })
      const overdue = await findOverdueOrders(database, 0, 1_000)
      expect(overdue).toContain(second.id)
      expect(overdue).not.toContain(first.id)
    })
  },
)

/** Each differs from the setting that the code relies on. */
const UNWANTED = {
  timezone: "'Asia/Shanghai'",
  datestyle: 'German',
  search_path: 'pg_catalog',
  default_transaction_isolation: "'serializable'",
  plan_cache_mode: 'force_generic_plan',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
}

test('settings of the database, its URL and its role do not reach the session', async () => {
  const url = new URL(world.databaseUrl)
  url.searchParams.set('options', '-c statement_timeout=0 -c TimeZone=Asia/Tokyo')
  await withDefaults(
    UNWANTED,
    async (database) => {
      const settings = await database.$transaction(
        (tx) => tx.$queryRaw<{ name: string; setting: string }[]>`
      SELECT lower(name) AS name, setting FROM pg_settings WHERE lower(name) = ANY(${Object.keys(UNWANTED)})`,
      )
      expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
        timezone: 'UTC',
        datestyle: 'ISO, MDY',
        search_path: 'public',
        default_transaction_isolation: 'read committed',
        plan_cache_mode: 'force_custom_plan',
        statement_timeout: '5000',
        lock_timeout: '2500',
        idle_in_transaction_session_timeout: '10000',
      })
    },
    url.href,
  )
})

test('/readyz quotes the reason with which PostgreSQL refuses a connection', async () => {
  const url = new URL(world.databaseUrl)
  url.pathname = '/elsewhere'
  const database = connectDatabase(url.href, { connections: 1, statementTimeoutMs: 5_000 })
  expect(await databaseCheck(database)).toEqual({
    code: 'REFUSED',
    detail: 'The server of DATABASE_URL refuses the connection: database "elsewhere" does not exist.',
  })
  await database.$disconnect()
})

/** Announces another backend process id, as poolers do. */
async function startPooler(target: URL) {
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      // BackendKeyData: 'K', its length, the backend's process id, the cancellation key.
      const at = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
      if (at >= 0) chunk.writeInt32BE(-chunk.readInt32BE(at + 5), at + 5)
      client.write(chunk)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = new URL(target)
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
      }),
  }
}

describe('through a pooler', () => {
  test('sessions without time limits are refused as an outage, with the statements that set them', async () => {
    const pooler = await startPooler(new URL(world.databaseUrl))
    await withDefaults(
      { timezone: "'Asia/Shanghai'" },
      async (database) => {
        const outcomes = await Promise.allSettled([
          database.sale.findMany(),
          database.$queryRaw`SELECT 1`,
          database.$transaction((tx) => tx.sale.findMany()),
        ])
        for (const outcome of outcomes)
          expect(outcome).toMatchObject({ status: 'rejected', reason: expect.toSatisfy(isOutage) as unknown })
        expect(await databaseCheck(database)).toMatchObject({
          code: 'SESSION_SETTINGS',
          detail: expect.stringMatching(
            new RegExp(
              "^DATABASE_URL goes through a connection pooler .*timezone = 'Asia/Shanghai', statement_timeout = '0'" +
                `.*ALTER ROLE "\\w+" SET timezone = 'UTC'; ALTER ROLE`,
            ),
          ) as unknown,
        })
        await expect(migrate(pooler.url)).rejects.toThrow(
          "DATABASE_URL goes through a connection pooler: give migrations PostgreSQL's own address.",
        )
      },
      pooler.url,
    )
    await pooler.close()
  })

  test('sessions whose role has the settings are used, and no statement has a name', async () => {
    const pooler = await startPooler(new URL(world.databaseUrl))
    await withDefaults(
      {
        timezone: "'UTC'",
        statement_timeout: "'5s'",
        lock_timeout: "'2s'",
        idle_in_transaction_session_timeout: "'10s'",
      },
      async (database) => {
        expect(await databaseCheck(database)).toBe(true)
        const saleId = await ledger.sale(2)
        for (const n of [1, 2]) await placeOrders(database, [reservation(saleId, n)], rules)
        expect(await ledger.sold(saleId)).toBe(2)
        expect(await database.$transaction((tx) => tx.$queryRaw`SELECT name FROM pg_prepared_statements`)).toEqual([])
      },
      pooler.url,
    )
    await pooler.close()
  })
})

test('when a column changes its type, statements are prepared anew, those of a transaction on retry', async () => {
  const database = connectDatabase(world.databaseUrl, { connections: 4, statementTimeoutMs: 5_000 })
  const saleId = await ledger.sale(100)
  let n = 0
  const place = () => placeOrders(database, [reservation(saleId, n++)], rules)
  const list = () => database.sale.findMany({ where: { id: saleId } })
  const everywhere = <Result>(work: () => Promise<Result>) => Promise.all(Array.from({ length: 12 }, work))
  await place()
  await everywhere(() => Promise.all([place(), list()]))
  expect(
    await database.$transaction((tx) => tx.$queryRaw<unknown[]>`SELECT name FROM pg_prepared_statements`),
  ).not.toEqual([])

  await world.database.$executeRaw`ALTER TABLE sales ALTER COLUMN id TYPE varchar(100)`
  await everywhere(list)
  await everywhere(place)
  await world.database.$executeRaw`ALTER TABLE sales ALTER COLUMN id TYPE text`
  // Batches in sequence, as a service places them: only the first fails, on whichever connection.
  const refused: unknown[] = []
  for (let batch = 0; batch < 12; batch++) await place().catch((error: unknown) => refused.push(error))
  expect(refused).toEqual([expect.toSatisfy(isOutage)])
  await database.$disconnect()
})

test('a transaction that fails because PostgreSQL does not answer leaves nothing behind', async () => {
  const database = connectDatabase(world.databaseUrl, { connections: 1, statementTimeoutMs: 500 })
  const saleId = await ledger.sale(100)
  const title = async () => (await world.database.sale.findUniqueOrThrow({ where: { id: saleId } })).title
  const write = (wanted: string) =>
    database.$transaction((tx) => tx.sale.update({ where: { id: saleId }, data: { title: wanted } }))
  let backend = 0
  const failing = database.$transaction(async (tx) => {
    backend = (await tx.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`)[0]?.pid ?? 0
    await tx.sale.update({ where: { id: saleId }, data: { title: 'half of a transaction' } })
    process.kill(backend, 'SIGSTOP')
    await tx.$executeRaw`SELECT 1`
  })
  await expect(failing).rejects.toSatisfy(isOutage)
  // As long as the client would wait for a ROLLBACK.
  const failedAtMs = performance.now()
  await eventually(
    'the ROLLBACK to be given up',
    () => performance.now(),
    (nowMs) => nowMs > failedAtMs + 2_000,
  )
  process.kill(backend, 'SIGCONT')
  const saleOfAnother = await ledger.sale(1)
  await eventually(
    'a transaction',
    () =>
      database
        .$transaction((tx) => tx.sale.update({ where: { id: saleOfAnother }, data: { title: 'whole' } }))
        .then(
          () => true,
          () => false,
        ),
    Boolean,
  )
  expect(await title()).toBe('A sale')
  await write('written later')
  expect(await title()).toBe('written later')
  await database.$disconnect()
})
