import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../test/support/tcp-proxy.ts'
import { createWorld, type World } from '../../test/support/world.ts'
import { connectDatabase, type Database } from './database.ts'
import { isOutage } from './outage.ts'

let world: World
let proxy: TcpProxy
let database: Database
beforeAll(async () => {
  world = await createWorld()
  const url = new URL(world.databaseUrl)
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) })
  url.port = String(proxy.port)
  database = connectDatabase(url.href, { connections: 10, statementTimeoutMs: 5_000 })
})
afterAll(async () => {
  await database.$disconnect()
  await proxy.close()
  await world.close()
})

test('however a connection to PostgreSQL breaks, the caller is told to come back and not that the code is at fault', async () => {
  const works: (() => Promise<unknown>)[] = [
    () => database.$queryRaw`SELECT pg_sleep(0.05)::text`,
    () => database.sale.findMany(),
    () => database.$transaction(async (tx) => { await tx.$queryRaw`SELECT pg_sleep(0.05)::text` }),
  ]
  const breaks: (() => void)[] = [() => proxy.cut(), () => proxy.reset(), () => proxy.loseAnswers('')]
  const faults: unknown[] = []
  for (const breakOff of breaks) {
    await Promise.all(works.map((work) => work()))
    const running = Promise.allSettled(works.map((work) => work()))
    breakOff()
    const refused = await Promise.allSettled(works.map((work) => work()))
    for (const outcome of [...await running, ...refused]) if (outcome.status === 'rejected') faults.push(outcome.reason)
    proxy.restore()
  }
  expect(faults.length).toBeGreaterThan(breaks.length * 3)
  expect(faults.filter((fault) => !isOutage(fault))).toEqual([])
})
