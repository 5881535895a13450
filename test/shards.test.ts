import { afterAll, beforeAll, expect, test } from 'vitest'
import { ledgerOf } from '../core/stock/reservation.ts'
import { ledgerName } from '../core/stock/shards.ts'
import { freePort } from '../dev/servers/ports.ts'
import { eventually } from './support/eventually.ts'
import { type Answer, call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'
import { shortOrLong } from './support/thoroughness.ts'

const SHARDS = 8
const BUYERS = shortOrLong(400, 1_000)

let system: System
let gateways: { stop: () => Promise<void>; port: number }[]
beforeAll(async () => {
  system = await startSystem({}, ['payment-provider', 'order-service', 'cancel-worker', 'control-room'])
  gateways = [await system.start('gateway'), await system.start('gateway', { GATEWAY_PORT: String(await freePort()) })]
})
afterAll(async () => {
  await gateways[0]?.stop()
  await system.close()
})

/** Asks the two gateways in turn, and again while one of them is busy or unavailable. */
const buy = (saleId: string, i: number, token: string, quantity = 1): Promise<Answer> =>
  eventually(
    'an answer of a gateway that is not busy',
    () =>
      call('POST', `http://127.0.0.1:${gateways[i % gateways.length]?.port}/sales/${saleId}/reservations`, {
        token,
        body: { quantity },
      }),
    ({ status }) => status !== 503,
  )

test('buyers of 1 to 3 units each buy every unit of a sale of 8 shards over two gateways, and none too many', async () => {
  const stock = BUYERS / 2
  const saleId = await system.createSale({ stock, perBuyerLimit: 3, shards: SHARDS })
  const tokens = await inParallel(BUYERS, 50, (i) => system.signIn(`sharded ${i}`))
  const quantityOf = (i: number) => 1 + (i % 3)
  const answers = await inParallel(BUYERS, 100, (i) => buy(saleId, i, tokens[i] ?? '', quantityOf(i)))

  const accepted = answers.flatMap((answer, i) =>
    answer.status === 202 ? [{ id: String(answer.body.id), token: tokens[i] ?? '', quantity: quantityOf(i) }] : [],
  )
  expect(answers.filter(({ status, body }) => status !== 202 && body.code !== 'SOLD_OUT')).toEqual([])
  expect(new Set(accepted.map(({ id }) => ledgerOf(id))).size).toBe(SHARDS)
  expect(accepted.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(stock)
  const ends = await inParallel(accepted.length, 20, (i) =>
    system.settled(accepted[i]?.id ?? '', accepted[i]?.token ?? ''),
  )
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['ORDERED']))
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 0, sold: stock }] })
})

/** The buyers of a sale of one unit for each shard, all of which they have. */
async function soldOutSale() {
  const saleId = await system.createSale({ stock: SHARDS, shards: SHARDS })
  const buyers = await inParallel(SHARDS, 4, async (i) => {
    const token = await system.signIn(`${saleId} ${i}`)
    return { token, answer: await buy(saleId, i, token) }
  })
  const late = await buy(saleId, 0, await system.signIn(`${saleId} late`))
  expect(late).toMatchObject({ status: 409, body: { code: 'SOLD_OUT' } })
  return { saleId, buyers }
}

test('a unit that comes back sells again to a buyer of any shard, also where the sale was known to be sold out', async () => {
  const { saleId, buyers } = await soldOutSale()
  for (const [i, { token, answer }] of buyers.entries()) {
    const { orderId } = await system.settled(String(answer.body.id), token, ['ORDERED'])
    await call('POST', `http://127.0.0.1:${gateways[0]?.port}/orders/${String(orderId)}/cancellation`, { token })
    const next = await system.signIn(`${saleId} next ${i}`)
    const bought = await eventually(
      'the unit to be sold again',
      () => buy(saleId, i, next),
      ({ status }) => status === 202,
    )
    await system.settled(String(bought.body.id), next, ['ORDERED'])
  }
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 0, sold: SHARDS }] })
})

test('a sale that has lost one shard in Redis has it rebuilt, and sells through', async () => {
  const saleId = await system.createSale({ stock: 2 * SHARDS, shards: SHARDS })
  const buyOne = async (i: number) => {
    const token = await system.signIn(`${saleId} ${i}`)
    const answer = await eventually(
      'an answer of an open sale',
      () => buy(saleId, i, token),
      ({ status }) => status !== 503,
    )
    return { token, id: String(answer.body.id), status: answer.status }
  }
  const before = await inParallel(SHARDS, 4, buyOne)
  for (const { id, token } of before) await system.settled(id, token, ['ORDERED'])
  await system.world.redis.del(system.world.stock.keys.sale(ledgerName(saleId, SHARDS - 1)))
  await eventually(
    'the sale to be open again',
    () => system.world.stock.readSale(saleId),
    (sale) => sale?.epoch === 2 && sale.left === SHARDS,
  )
  for (const { id, token } of before) expect((await system.settled(id, token)).status).toBe('ORDERED')
  const after = await inParallel(SHARDS + 4, 4, (i) => buyOne(SHARDS + i))
  expect(after.filter(({ status }) => status === 202)).toHaveLength(SHARDS)
  for (const { id, token, status } of after) if (status === 202) await system.settled(id, token, ['ORDERED'])
  expect(await system.auditAtRest(saleId)).toMatchObject({
    balanced: true,
    sales: [{ redisLeft: 0, sold: 2 * SHARDS }],
  })
})

test('units move to a shard that runs low before a buyer has to wait for them', async () => {
  const saleId = await system.createSale({ stock: 20 * SHARDS, shards: SHARDS })
  const low = system.world.stock.keys.sale(saleId)
  await system.world.redis.hincrby(low, 'stock', -18)
  await system.world.redis.hincrby(system.world.stock.keys.sale(ledgerName(saleId, 1)), 'stock', 18)
  await eventually(
    'units to move',
    async () => Number(await system.world.redis.hget(low, 'stock')),
    (units) => units > 10,
  )
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 20 * SHARDS }] })
})

test('a buyer who asks for more than all shards have is told how many are left', async () => {
  const saleId = await system.createSale({ stock: 3, perBuyerLimit: 5, shards: SHARDS })
  const token = await system.signIn('greedy')
  expect(await buy(saleId, 0, token, 4)).toMatchObject({ status: 409, body: { detail: 'Only 3 left; ask for fewer.' } })
  expect(await buy(saleId, 0, token, 3)).toMatchObject({ status: 202, body: { quantity: 3 } })
})
