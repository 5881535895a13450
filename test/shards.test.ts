import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../dev/servers/ports.ts'
import { eventually } from './support/eventually.ts'
import { type Answer, call } from './support/http-client.ts'
import { inParallel } from './support/parallel.ts'
import { startSystem, type System } from './support/system.ts'

const SHARDS = 8
const BUYERS = 1_000

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

test('1,000 buyers of 1 to 3 units each buy every unit of a sale of 8 shards over two gateways, and none too many', async () => {
  const stock = 500
  const saleId = await system.createSale({ stock, perBuyerLimit: 3, shards: SHARDS })
  const tokens = await inParallel(BUYERS, 50, (i) => system.signIn(`sharded ${i}`))
  const quantityOf = (i: number) => 1 + (i % 3)
  const answers = await inParallel(BUYERS, 100, (i) => buy(saleId, i, tokens[i] ?? '', quantityOf(i)))

  const accepted = answers.flatMap((answer, i) =>
    answer.status === 202 ? [{ id: String(answer.body.id), token: tokens[i] ?? '', quantity: quantityOf(i) }] : [],
  )
  expect(answers.filter(({ status, body }) => status !== 202 && body.code !== 'SOLD_OUT')).toEqual([])
  expect(accepted.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(stock)
  const ends = await inParallel(accepted.length, 20, (i) =>
    system.settled(accepted[i]?.id ?? '', accepted[i]?.token ?? ''),
  )
  expect(new Set(ends.map(({ status }) => status))).toEqual(new Set(['ORDERED']))
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ redisLeft: 0, sold: stock }] })
})
