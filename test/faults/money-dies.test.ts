import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Failpoint } from '../../core/platform/process/failpoint.ts'
import { DEATHS, dieRepeatedly } from '../support/dying.ts'
import { eventually } from '../support/eventually.ts'
import { call, callUntilAvailable } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { startSystem, type System } from '../support/system.ts'

const UNITS = 3
const PAYING = 'payment.beforeSettle' satisfies Failpoint
const REFUNDING = 'refund.beforeWrittenDown' satisfies Failpoint

let system: System
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => system.close())

interface Payer {
  token: string
  reservationId: string
  orderId: string
  link: string
}

/** Buyers with an unpaid order and a payment link, one for each unit. */
async function payersOf(saleId: string): Promise<Payer[]> {
  return inParallel(UNITS, UNITS, async (i) => {
    const token = await system.signIn(`${saleId} payer ${i}`)
    const reservationId = String((await system.buyUntilAvailable(saleId, token)).body.id)
    const orderId = String((await system.settled(reservationId, token)).orderId)
    const { body } = await callUntilAvailable('POST', system.url(`/orders/${orderId}/payments`), { token })
    return { token, reservationId, orderId, link: String(body.url) }
  })
}
const pay = ({ link }: Payer) => call('POST', link, { headers: { accept: 'application/json' } })

describe('order service killed after a payment is counted, before it is settled in Redis', () => {
  test('killed there: the provider retries, the payment counts once and the buyer sees it', async () => {
    const saleId = await system.createSale({ stock: UNITS })
    const payers = await payersOf(saleId)
    await system.stop('order-service')
    const unpaid = [...payers]
    await dieRepeatedly('order-service', system.env, PAYING, async (hasDied) => {
      const payer = unpaid.pop()
      await eventually(
        'a death',
        async () => payer && (await pay(payer)),
        () => hasDied(),
        60_000,
      )
    })
    await system.start('order-service')

    for (const payer of payers) {
      // The provider asks again when an answer takes 3 s, and is then told so of money that counted just now.
      const counted = unpaid.includes(payer) ? ['PAID', 'ALREADY_COUNTED'] : ['ALREADY_COUNTED']
      expect(counted).toContain((await pay(payer)).body.outcome)
      expect(await system.settled(payer.reservationId, payer.token, ['PAID'])).toMatchObject({ orderId: payer.orderId })
    }
    expect(await system.world.database.refund.count({ where: { payment: { order: { saleId } } } })).toBe(0)
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: UNITS, redisLeft: 0, orders: { PAID: UNITS } }],
    })
  })
})

describe('order service killed after the provider accepted a refund, before it is recorded', () => {
  test('killed there: the refund is sent again with the same id, and each order has one', async () => {
    const saleId = await system.createSale({ stock: UNITS })
    const payers = await payersOf(saleId)
    const provider = await startRefundingProvider()
    // Late money: the order is cancelled when it arrives. No refund is sent until the first service that dies is there.
    await system.stop('order-service')
    await system.start('order-service', { PAYMENT_PROVIDER_URL: 'http://127.0.0.1:1' })
    for (const payer of payers) {
      await callUntilAvailable('POST', system.url(`/orders/${payer.orderId}/cancellation`), { token: payer.token })
      expect((await pay(payer)).body.outcome).toBe('REFUND_DUE')
    }
    await system.stop('order-service')

    const env = { ...system.env, PAYMENT_PROVIDER_URL: provider.url }
    await dieRepeatedly('order-service', env, REFUNDING, () => Promise.resolve())
    await system.start('order-service', env)
    const refunds = await eventually(
      'all refunds to be recorded',
      () => system.world.database.refund.findMany({ where: { payment: { order: { saleId } } } }),
      (found) => found.every(({ completedAt }) => completedAt !== null),
    )
    await provider.close()

    expect(refunds).toHaveLength(UNITS)
    expect(new Set(provider.taken)).toEqual(new Set(refunds.map(({ id }) => id)))
    // The oldest by each service that died, and by the one that lived.
    expect(provider.taken.filter((id) => id === provider.taken[0])).toHaveLength(DEATHS + 1)
    expect(provider.taken).toHaveLength(UNITS + DEATHS)
    expect(await system.auditAtRest(saleId)).toMatchObject({
      balanced: true,
      sales: [{ sold: 0, redisLeft: UNITS, orders: { CANCELLED: UNITS } }],
    })
  })

  /** Accepts every refund and records its id. */
  async function startRefundingProvider(): Promise<{ url: string; taken: string[]; close: () => Promise<void> }> {
    const taken: string[] = []
    const server = createServer((req, res) => {
      const body: Buffer[] = []
      req.on('data', (chunk: Buffer) => body.push(chunk))
      req.on('end', () => {
        taken.push((JSON.parse(Buffer.concat(body).toString()) as { refundId: string }).refundId)
        res.end('{}')
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      taken,
      async close() {
        server.closeAllConnections()
        await new Promise<void>((resolve) => {
          server.close(() => resolve())
        })
      },
    }
  }
})
