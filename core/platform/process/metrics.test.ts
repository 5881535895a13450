import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { METRICS, PURCHASE_OUTCOMES } from '../../contracts/metrics.ts'
import { counter, createMetrics, gauge, histogram } from './metrics.ts'

test('a counter has each of its series from the start, or Prometheus would not see the first increase', async () => {
  const registry = new Registry()
  counter(registry, 'seckill_purchases_total').inc({ outcome: 'BUSY' })
  counter(registry, 'seckill_provider_calls_total')
  counter(registry, 'seckill_orders_cancelled_total')
  const text = await registry.metrics()
  for (const outcome of PURCHASE_OUTCOMES)
    expect(text).toContain(`seckill_purchases_total{outcome="${outcome}"} ${outcome === 'BUSY' ? 1 : 0}\n`)
  for (const call of METRICS.seckill_provider_calls_total.labels.call)
    for (const outcome of METRICS.seckill_provider_calls_total.labels.outcome)
      expect(text).toContain(`seckill_provider_calls_total{call="${call}",outcome="${outcome}"} 0\n`)
  expect(text).toContain('seckill_orders_cancelled_total 0\n')
})

test('a counter has no series before its configured names are known', async () => {
  const registry = new Registry()
  counter(registry, 'seckill_dead_lettered_total')
  expect(await registry.metrics()).not.toMatch(/^seckill_dead_lettered_total/m)
})

test('help, labels, buckets and aggregation are those of the table', async () => {
  const registry = createMetrics('test')
  gauge(registry, 'seckill_clock_offset_seconds', (offset) => offset.set({ clock: 'process' }, 2))
  histogram(registry, 'seckill_accept_seconds').observe(0.02)
  const text = await registry.metrics()
  expect(text).toContain(`# HELP seckill_accept_seconds ${METRICS.seckill_accept_seconds.help}\n`)
  expect(text).toContain('seckill_accept_seconds_bucket{le="0.025",service="test"} 1\n')
  expect(text).toContain('seckill_clock_offset_seconds{clock="process",service="test"} 2\n')
  const [offset] = (await registry.getMetricsAsJSON()).filter(({ name }) => name === 'seckill_clock_offset_seconds')
  expect(offset?.aggregator).toBe('max')
})
