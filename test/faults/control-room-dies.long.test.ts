import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { Crowd, soldThrough } from '../support/crowd.ts'
import { DEATHS, dieRepeatedly } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { startSystem, type System } from '../support/system.ts'

const UNITS = 4
const HOUR_MS = 3_600_000

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

/** Starts a control room that dies at the failpoint, and sends the request that reaches it. */
async function dieOver(at: Failpoint, method: string, path: string, bodyOf: (time: number) => unknown): Promise<void> {
  let time = 0
  await system.stop('control-room')
  await dieRepeatedly('control-room', system.env, at, async (hasDied) => {
    const ready = `http://127.0.0.1:${system.env.CONTROL_ROOM_PORT}/readyz`
    await eventually(
      'the control room to be ready',
      () =>
        fetch(ready).then(
          ({ status }) => status === 200,
          () => hasDied(),
        ),
      Boolean,
      60_000,
    )
    await system.controlRoom(method, path, bodyOf(time++)).catch(() => undefined)
  })
  await system.start('control-room')
}

const inRedis = (saleId: string) => system.world.stock.readSale(saleId)
const inPostgres = (saleId: string) => system.world.database.sale.findUniqueOrThrow({ where: { id: saleId } })
const isBarred = (saleId: string, buyerId: string) =>
  system.world.redis.sismember(system.world.stock.keys.blacklist(saleId), buyerId)

test('killed after a window was changed in PostgreSQL: Redis has the new one within seconds', async () => {
  const saleId = await system.createSale({ stock: UNITS })
  const closesAtMs = Date.now() + 2 * HOUR_MS
  await dieOver('changing.beforeRedis', 'PATCH', `/sales/${saleId}`, (time) => ({
    closesAt: new Date(closesAtMs + time),
  }))
  expect(await inPostgres(saleId)).toMatchObject({ closesAt: new Date(closesAtMs + DEATHS - 1) })
  await eventually(
    'the window in Redis',
    () => inRedis(saleId),
    (sale) => sale?.closesAtMs === closesAtMs + DEATHS - 1,
  )
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
  expect(await new Crowd(system, saleId).sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
})

test('killed after a sale was stopped in PostgreSQL: within seconds no buyer gets a unit', async () => {
  const saleId = await system.createSale({ stock: UNITS })
  await dieOver('changing.beforeRedis', 'PATCH', `/sales/${saleId}`, (time) => ({
    isStopped: true,
    title: `Stopped ${time}`,
    priceCents: 500 + time,
  }))
  await eventually(
    'all of it in Redis',
    () => inRedis(saleId),
    (sale) => sale?.isStopped === true && sale.title === `Stopped ${DEATHS - 1}` && sale.terms === DEATHS,
  )
  expect(await system.buy(saleId, await system.signIn('late'))).toMatchObject({ body: { code: 'STOPPED' } })
  const { body } = await system.controlRoom('GET', `/changes?sale=${saleId}`)
  expect(body.changes).toHaveLength(2 * DEATHS + 1)
  await system.controlRoom('PATCH', `/sales/${saleId}`, { isStopped: false })
  expect(await new Crowd(system, saleId).sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('killed after units were taken from Redis and before PostgreSQL gave them up: they are sold', async () => {
  const saleId = await system.createSale({ stock: UNITS, shards: 2 })
  await dieOver('withdrawing.beforeCommit', 'PATCH', `/sales/${saleId}`, () => ({ stock: 1 }))
  await eventually(
    'the units to be back',
    () => inRedis(saleId),
    (sale) => sale?.total === UNITS && sale.left === UNITS,
  )
  expect(await inPostgres(saleId)).toMatchObject({ stock: UNITS, version: 0 })
  expect(await new Crowd(system, saleId).sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('killed after the blacklist was changed in PostgreSQL: Redis follows within seconds', async () => {
  const saleId = await system.createSale({ stock: UNITS })
  await system.controlRoom('PUT', '/blacklist/eve', { reason: 'resells' })
  expect(await isBarred(saleId, 'eve')).toBe(1)
  await dieOver('blacklisting.beforeRedis', 'DELETE', '/blacklist/eve', () => undefined)
  await eventually(
    'Eve to be let in',
    () => isBarred(saleId, 'eve'),
    (barred) => barred === 0,
  )
  await dieOver('blacklisting.beforeRedis', 'PATCH', '/blacklist', () => ({
    list: ['mallory', 'trudy'],
    reason: 'bots',
  }))
  await eventually(
    'both to be kept out',
    async () => (await isBarred(saleId, 'mallory')) + (await isBarred(saleId, 'trudy')),
    (barred) => barred === 2,
  )
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true })
})

test('killed after a sale was created in PostgreSQL: it is opened nevertheless', async () => {
  const ids = Array.from({ length: DEATHS }, () => `sale-${randomUUID().slice(0, 8)}`)
  const sale = {
    title: 'A sale',
    priceCents: 1_000,
    stock: UNITS,
    opensAt: new Date(),
    closesAt: new Date(Date.now() + HOUR_MS),
  }
  await dieOver('opening.beforeRedis', 'POST', '/sales', (time) => ({ id: ids[time], ...sale }))
  for (const id of ids)
    await eventually(
      'the sale to be open',
      () => inRedis(id),
      (found) => found?.left === UNITS,
    )
  expect(await new Crowd(system, ids[0] ?? '').sellThrough(UNITS)).toMatchObject(soldThrough(UNITS))
  expect(await system.auditAtRest()).toMatchObject({ balanced: true })
})
