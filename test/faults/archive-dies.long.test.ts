import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AuditReport } from '../../core/audit/report.ts'
import { settleEnded } from '../../core/orders/settle-ended.ts'
import { diesAt, type Failpoint } from '../../core/platform/process/failpoint.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { commandArgs } from '../bundles.ts'
import { Choreography } from '../support/choreography.ts'
import { eventually } from '../support/eventually.ts'

const BEFORE_COMMIT = 'archiving.beforeCommit' satisfies Failpoint
const BEFORE_BATCH = 'archiving.beforeBatch' satisfies Failpoint

let shop: Choreography
beforeAll(async () => {
  shop = await Choreography.open()
})
afterAll(() => shop.close())

interface Ended {
  code: number | null
  signal: string | undefined
  output: string
}

/** Runs an operator's command to its end. */
function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const { databaseUrl, redisUrl, rabbitmqUrl, keyPrefix } = shop.world
  const servers = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, RABBITMQ_URL: rabbitmqUrl }
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...commandArgs(command), ...args],
      { env: { PATH: process.env.PATH, ...servers, REDIS_KEY_PREFIX: keyPrefix, ...env } },
      (error, stdout, stderr) =>
        resolve({ code: child.exitCode, signal: error?.signal ?? undefined, output: stdout + stderr }),
    )
  })
}

/** With one paid order, at rest. */
async function endedSale(): Promise<string> {
  const { database, stock } = shop.world
  const { orderId, saleId } = await shop.place()
  await shop.pay(orderId)
  await shop.settle()
  await database.$executeRaw`
    UPDATE sales SET opens_at = now() - interval '3 days', closes_at = now() - interval '2 days' WHERE id = ${saleId}`
  await database.$executeRaw`
    UPDATE decisions SET reserved_at = now() - interval '49 hours' WHERE sale_id = ${saleId}`
  await settleEnded({ database, stock, log: createLog('test', 'silent') })
  return saleId
}

const ordersOf = (saleId: string) => shop.world.database.order.count({ where: { saleId } })

test('killed before its first commit the archiver has moved nothing, later some; a re-run moves the rest', async () => {
  const [saleId, other] = [await endedSale(), await endedSale()]
  for (let time = 0; time < 2; time++) {
    const killed = await run('archive', [saleId], { FAILPOINT: BEFORE_COMMIT })
    expect(killed).toEqual({ code: null, signal: 'SIGKILL', output: `${diesAt(BEFORE_COMMIT)}\n` })
    // PostgreSQL notices that the connection is gone and rolls back.
    await eventually(
      'the rows to be back',
      async () => [await ordersOf(saleId), await shop.ledger.waitingForLocks()],
      ([orders, waiting]) => orders === 1 && waiting === 0,
    )
  }
  // The sale's row has moved, and its order has not.
  const killed = await run('archive', [saleId], { FAILPOINT: BEFORE_BATCH })
  expect(killed).toEqual({ code: null, signal: 'SIGKILL', output: `${diesAt(BEFORE_BATCH)}\n` })
  expect(await ordersOf(saleId)).toBe(1)
  expect(await run('audit', ['--sale', saleId])).toMatchObject({ code: 0 })

  expect(await run('archive', ['--all-ended'])).toMatchObject({
    code: 0,
    output: expect.stringMatching(/^sale-\w+: archived, \d+ rows.\nsale-\w+: archived, \d+ rows.\n$/) as string,
  })
  expect([await ordersOf(saleId), await ordersOf(other)]).toEqual([0, 0])
  expect(await run('archive', ['--all-ended'])).toMatchObject({
    code: 0,
    output: 'No sale has ended so long ago.\n',
  })

  const audited = await run('audit', ['--sale', saleId])
  expect(audited).toMatchObject({ code: 0, output: expect.stringContaining(`${saleId} is archived since`) as string })
  const { sales } = JSON.parse((await run('audit', ['--sale', saleId, '--json'])).output) as AuditReport
  expect(sales).toMatchObject([{ saleId, orders: { PAID: 1 }, archivedAt: expect.any(String) as string }])
})

test('a sale that is not archived is named with the reason, and the others are archived all the same', async () => {
  const [young, old] = [(await shop.place()).saleId, await endedSale()]
  const { code, output } = await run('archive', ['never-was', young, old, '--json'])
  expect(code).toBe(1)
  expect(
    output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { saleId: 'never-was', outcome: 'NO_SUCH_SALE' },
    { saleId: young, outcome: 'REFUSED', obstacles: [expect.stringMatching(/^Redis keeps it for a day/)] },
    { saleId: old, outcome: 'ARCHIVED' },
  ])
})
