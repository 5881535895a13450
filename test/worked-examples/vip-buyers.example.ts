import { afterAll, beforeAll, expect, test } from 'vitest'
import { Reconciler } from '../../cancel-worker/reconcile.ts'
import { placeOrders } from '../../core/orders/place-orders.ts'
import { createTokens } from '../../core/platform/http/tokens.ts'
import { createLog } from '../../core/platform/process/log.ts'
import { SaleAdmin } from '../../core/stock/sale-admin.ts'
import { call } from '../support/http-client.ts'
import { reservation, rules } from '../support/ledger.ts'
import { startSystem, type System } from '../support/system.ts'

/** Runs in a copy of the project with another rule: see one-place-per-rule.long.test.ts. */
let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

test('VIP buyers may buy 2 and others 1, and neither the reconciler nor the audit finds a difference', async () => {
  const tokens = createTokens(system.env.TOKEN_SECRET ?? '')
  const [vip, plain] = [tokens.sign('vip', { tier: 'vip' }), tokens.sign('plain', { tier: 'basic' })]
  const saleId = await system.createSale({ stock: 10, perBuyerLimit: 1 })
  const limitShown = async (token?: string) =>
    (await call('GET', system.url(`/sales/${saleId}`), { token })).body.perBuyerLimit
  expect([await limitShown(vip), await limitShown(plain), await limitShown()]).toEqual([2, 1, 1])
  const { body: demo } = await call('POST', system.url('/sessions'), { body: { name: 'Ann', tier: 'vip' } })
  expect(await limitShown(String(demo.token))).toBe(2)

  await system.stop('order-service')
  expect(await system.buy(saleId, vip, { quantity: 3 })).toMatchObject({ status: 400 })
  expect(await system.buy(saleId, plain, { quantity: 2 })).toMatchObject({ status: 400 })
  const bought = [await system.buy(saleId, vip, { quantity: 2 }), await system.buy(saleId, plain)]
  expect(bought.map(({ status }) => status)).toEqual([202, 202])
  expect(await healedWhileUndecided()).toEqual([])

  await system.start('order-service')
  for (const [i, token] of [vip, plain].entries())
    expect(await system.settled(String(bought[i]?.body.id), token)).toMatchObject({ status: 'ORDERED' })
  const withoutClaim = reservation(saleId, 1, { buyerId: 'vip' })
  expect(await placeOrders(system.world.database, [withoutClaim], rules)).toMatchObject([
    { decision: { reason: 'NOT_ELIGIBLE' }, limitPerBuyer: 1 },
  ])
  expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 3, redisLeft: 7 }] })
})

test('only members may buy in a sale that is dear, whether the gateway asks or the order service', async () => {
  const tokens = createTokens(system.env.TOKEN_SECRET ?? '')
  const saleId = await system.createSale({ priceCents: 500_000 })
  expect(await system.buy(saleId, tokens.sign('stranger'))).toMatchObject({
    status: 403,
    body: { code: 'NOT_ELIGIBLE' },
  })
  const member = tokens.sign('member', { tier: 'basic' })
  const { body } = await system.buy(saleId, member)
  expect(await system.settled(String(body.id), member)).toMatchObject({ status: 'ORDERED' })
  const withoutClaim = reservation(saleId, 1, { buyerId: 'stranger' })
  expect(await placeOrders(system.world.database, [withoutClaim], rules)).toMatchObject([
    { decision: { reason: 'NOT_ELIGIBLE' }, limitPerBuyer: 0 },
  ])
})

/** Units that a reconciler without patience would move. */
async function healedWhileUndecided(): Promise<number[]> {
  const { database, redis, keyPrefix } = system.world
  const healed: number[] = []
  const saleAdmin = new SaleAdmin(redis, keyPrefix)
  const log = createLog('test', 'silent')
  const reconciler = new Reconciler({ database, saleAdmin, log, onHealed: (units) => healed.push(units) }, 0, 0)
  for (let run = 0; run < 3; run++) await reconciler.runOnce()
  return healed
}
