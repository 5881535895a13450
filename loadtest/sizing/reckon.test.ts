import { expect, test } from 'vitest'
import { readRunFile } from '../bench/run-file.ts'
import { type Costs, costsOf } from '../bench/costs.ts'
import { reckon, type SalePlan } from './reckon.ts'

const PLAN: SalePlan = { buyers: 100_000, seconds: 10, stock: 60_000, orderSeconds: 60, paySeconds: 600 }
const COSTS: Costs = {
  accept: { gateway: 150, redis: 30, rabbitmq: 15 },
  order: { 'order-service': 60, postgres: 90, subscribers: 120, rabbitmq: 60, redis: 15 },
  refuse: { gateway: 75 },
  pay: { 'order-service': 3_000, postgres: 6_000, gateway: 1_500 },
}
const FACTS = {
  connectionsMax: 10_000,
  pools: { orderService: 10, cancelWorker: 10, controlRoom: 10, subscribers: 31 },
}
const row = (plan: Partial<SalePlan>, component: string, costs = COSTS) =>
  reckon({ ...PLAN, ...plan }, costs, FACTS).rows.find((each) => each.component.startsWith(component))

test('cores are rate times cost, and a third more', () => {
  // 10,000 arrivals, 1,000 orders and 100 payments a second.
  expect(row({}, 'gateway')?.cores).toBeCloseTo(((10_000 * 150 + 100 * 1_500) * 4) / 3 / 1e6)
  expect(row({}, 'Redis')?.cores).toBeCloseTo(((10_000 * 30 + 1_000 * 15) * 4) / 3 / 1e6)
  expect(row({}, 'order service')?.cores).toBeCloseTo(((1_000 * 60 + 100 * 3_000) * 4) / 3 / 1e6)
  expect(row({}, 'PostgreSQL')?.cores).toBeCloseTo(((1_000 * 90 + 100 * 6_000) * 4) / 3 / 1e6)
})

test('no more is sold than there are units or buyers', () => {
  const settings = (plan: Partial<SalePlan>) => reckon({ ...PLAN, ...plan }, COSTS, FACTS).settings
  expect(settings({}).INTAKE_QUEUE_MAX_LENGTH).toBe(60_000)
  expect(settings({ buyers: 20_000 }).INTAKE_QUEUE_MAX_LENGTH).toBe(20_000)
})

test('gateways are as many as their cores and connections ask for, masters and shards as the threads of Redis', () => {
  expect(row({}, 'gateway')?.count).toBe(10)
  expect(row({ seconds: 0.5 }, 'gateway')?.count).toBe(41)
  const { rows, settings } = reckon({ ...PLAN, seconds: 1 }, COSTS, FACTS)
  expect(rows.find(({ component }) => component.startsWith('Redis'))).toMatchObject({ count: 2 * 5 })
  expect(settings.shards).toBe(5)
})

test('every process finds a connection to PostgreSQL', () => {
  const { rows, databaseConnections, settings } = reckon(PLAN, COSTS, FACTS)
  const count = (name: string) => rows.find(({ component }) => component === name)?.count ?? 0
  expect(databaseConnections).toBe(count('order service') * 10 + 2 * 20 + count('subscribers') * 31 + 13)
  expect(settings.max_connections).toBe(databaseConnections)
})

test('the backlog is written before a reservation expires', () => {
  for (const orderSeconds of [10, 60, 600]) {
    const { rows, settings } = reckon({ ...PLAN, orderSeconds }, COSTS, FACTS)
    const services = rows.find(({ component }) => component === 'order service')?.count ?? 0
    expect(services * (settings.ORDERS_PER_SECOND ?? 0) * orderSeconds).toBeGreaterThanOrEqual(60_000)
    expect(settings.RESERVATION_LIFETIME_SECONDS).toBeGreaterThan(orderSeconds)
  }
})

test('the highest limit comes first', () => {
  const used = reckon(PLAN, COSTS, FACTS).limits.map((limit) => limit.used)
  expect(used).toEqual(used.toSorted((one, other) => other - one))
})

test('the bench of this checkout has every cost, and none is negative', async () => {
  const costs = costsOf(await readRunFile('docs/bench/bench.json'))
  for (const name of ['gateway', 'redis', 'rabbitmq']) expect(costs.accept[name], name).toBeGreaterThan(10)
  for (const name of ['order-service', 'postgres', 'subscribers', 'rabbitmq'])
    expect(costs.order[name], name).toBeGreaterThan(10)
  const all = [costs.accept, costs.order, costs.refuse, costs.pay].flatMap((micros) => Object.values(micros))
  expect(Math.min(...all)).toBeGreaterThanOrEqual(0)
})
