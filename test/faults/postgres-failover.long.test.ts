import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from 'pg'
import { databaseAnswers, databaseCheck } from '../../core/platform/stores/database-check.ts'
import { connectDatabase } from '../../core/platform/stores/connect-database.ts'
import type { Database } from '../../core/platform/stores/database.ts'
import { findPrimary } from '../../core/platform/stores/primary.ts'
import { Crowd } from '../support/crowd.ts'
import { eventually } from '../support/eventually.ts'
import { type OwnPostgresPair, startOwnPostgresPair } from '../support/own-postgres-pair.ts'
import { startSystem, type System } from '../support/system.ts'
import { shortOrLong } from '../support/thoroughness.ts'

let pair: OwnPostgresPair
let system: System
beforeAll(async () => {
  pair = await startOwnPostgresPair()
  system = await startSystem({ DATABASE_URL: pair.url })
})
afterAll(async () => {
  await system.close()
  await pair.close()
})

const STOCK = 20_000
const FEW = 5
const BETWEEN_MS = 20
const LIMITS = { connections: 1, statementTimeoutMs: 5_000 }

/** Buyers come while `strike` works. @returns how many were accepted, and the audit at rest */
async function sellThrough(strike: () => Promise<void>) {
  const saleId = await system.createSale({ stock: STOCK })
  const crowd = new Crowd(system, saleId)
  await crowd.comeInTurn(FEW)
  let isOver = false
  const striking = strike().finally(() => (isOver = true))
  for (; !isOver; await pause(BETWEEN_MS)) await crowd.comeInTurn(FEW)
  await striking
  await crowd.comeInTurn(FEW)
  expect(crowd.answers.filter(({ status }) => status !== 202)).toEqual([])
  expect(await crowd.ends()).toEqual(['ORDERED'])
  return { sold: crowd.accepted.length, audit: await system.auditAtRest(saleId) }
}

const balanced = (sold: number) => ({
  balanced: true,
  sales: [{ sold, redisLeft: STOCK - sold }],
  queues: { deadLetters: 0 },
})

test('the primary is killed: the standby is promoted, services move to it, and no order is lost', async () => {
  const [former, standby] = [pair.primary(), pair.standby()]
  const database = connectDatabase(pair.url, LIMITS)
  expect(await databaseAnswers(database)).toBe(true)
  const { sold, audit } = await sellThrough(async () => {
    await former.kill()
    await eventually('an answer of the new primary', () => databaseAnswers(database), Boolean)
    // Until then the new primary commits nothing, for want of a standby.
    await former.start()
  })
  expect(audit).toMatchObject(balanced(sold))
  expect(pair.primary()).toBe(standby)
  await database.$disconnect()
})

test('of a list the primary is found wherever it stands, and a standby alone is refused', async () => {
  const alone = pair.urlOf(pair.primary())
  const ways = [pair.url, `${alone}?target_session_attrs=read-write`, alone.replace('@', '@127.0.0.1:1,')]
  for (const url of ways) {
    const database = connectDatabase(url, LIMITS)
    expect(await write(database), url).toBe(true)
    await database.$disconnect()
  }
  const onStandby = connectDatabase(pair.urlOf(pair.standby()), LIMITS)
  const check = () => databaseCheck(onStandby)
  const reason = JSON.stringify(await eventually('the reason', check, (result) => result !== false))
  expect(reason).toMatch(/SESSION_SETTINGS.*leads to a standby/)
  await onStandby.$disconnect()
  expect(await findPrimary(pair.url)).toBe(pair.urlOf(pair.primary()))
})

const write = (database: Database) =>
  database.$executeRaw`UPDATE sales SET title = title`.then(
    () => true,
    () => false,
  )

const LONG = {
  'back again: the former primary has every order': async () => {
    const former = pair.primary()
    await former.kill()
    await former.start()
  },
  'the primary is paused, the standby promoted, the former one continued: services leave it, and it commits no more':
    async () => {
      const [former, standby] = [pair.primary(), pair.standby()]
      former.pause()
      const promoting = new Client({ connectionString: pair.urlOf(standby) })
      await promoting.connect()
      await promoting.query('SELECT pg_promote()')
      await promoting.end()
      former.resume()
      expect(await findPrimary(pair.url)).toBe(pair.urlOf(standby))
      await former.kill()
      await former.start()
    },
}
test.each(shortOrLong([], Object.keys(LONG) as (keyof typeof LONG)[]))('%s', async (name) => {
  const { sold, audit } = await sellThrough(LONG[name])
  expect(audit).toMatchObject(balanced(sold))
})
