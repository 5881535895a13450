import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { countCalls } from './metrics.ts'
import { type PaymentProvider, ProviderUnavailable } from './payments/provider.ts'

const payment = { paymentId: 'a-payment', orderId: 'an-order', amountCents: 5, currency: 'CNY' }
const refund = { refundId: 'a-refund', paymentId: 'a-payment', providerRef: 'ref', amountCents: 5 }

test('calls of the provider are counted by what was asked for and whether it was given', async () => {
  const registry = new Registry()
  const away = new ProviderUnavailable('away')
  const provider: PaymentProvider = {
    createLink: ({ paymentId }) => `https://pay.example/${paymentId}`,
    refund: () => Promise.reject(away),
    readCallback: () => ({ outcome: 'IGNORED' }),
  }
  const counted = countCalls(registry, provider)
  expect(await counted.createLink(payment)).toBe('https://pay.example/a-payment')
  await expect(counted.refund(refund)).rejects.toBe(away)
  expect(counted.readCallback({}, Buffer.alloc(0))).toEqual({ outcome: 'IGNORED' })
  const text = await registry.metrics()
  for (const [call, outcome, count] of [
    ['link', 'ok', 1],
    ['link', 'failed', 0],
    ['refund', 'ok', 0],
    ['refund', 'failed', 1],
  ])
    expect(text).toContain(`seckill_provider_calls_total{call="${call}",outcome="${outcome}"} ${count}\n`)
})
