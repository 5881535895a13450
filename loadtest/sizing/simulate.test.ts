import { expect, test } from 'vitest'
import { OBJECTIVES } from '../../core/contracts/objectives.ts'
import type { Costs } from '../bench/costs.ts'
import { reckon, type SalePlan } from './reckon.ts'
import { EARLY, EVENLY, provisionOf, type Provision, simulate } from './simulate.ts'

const PLAN: SalePlan = { buyers: 60_000, seconds: 2, stock: 20_000, orderSeconds: 60, paySeconds: 300 }
const COSTS: Costs = {
  accept: { gateway: 150, redis: 60, rabbitmq: 15 },
  order: { 'order-service': 60, postgres: 90, subscribers: 120, rabbitmq: 60, redis: 15 },
  refuse: { gateway: 75 },
  pay: { 'order-service': 3_000, postgres: 6_000, gateway: 1_500 },
}
const FACTS = {
  connectionsMax: 10_000,
  pools: { orderService: 10, cancelWorker: 10, controlRoom: 10, subscribers: 31 },
}
const SIZED = provisionOf(PLAN, COSTS, FACTS)
const LIMIT = OBJECTIVES.accept.withinSeconds
const play = (provision: Provision, arrivals = EVENLY, plan = PLAN) => simulate(plan, COSTS, provision, arrivals)

test('a sale of what was reckoned for it keeps the objective, also when half of the buyers come in the first fifth', () => {
  for (const arrivals of [EVENLY, EARLY]) {
    const { accepted, acceptedSeconds, refusedSeconds } = play(SIZED, arrivals)
    expect(accepted).toBe(20_000)
    expect(acceptedSeconds.p99).toBeLessThan(LIMIT)
    expect(refusedSeconds.p99).toBeLessThan(LIMIT)
  }
})

test('with half of the gateways or of the masters it does not', () => {
  // A unit for each, because a refusal costs less than a purchase.
  const plan = { ...PLAN, buyers: 160_000, seconds: 8, stock: 160_000 }
  const sized = provisionOf(plan, COSTS, FACTS)
  expect(play(sized, EVENLY, plan).acceptedSeconds.p99).toBeLessThan(LIMIT)
  for (const part of ['gateway', 'redis'] as const) {
    const halved = { ...sized, [part]: { ...sized[part], cores: Math.floor(sized[part].cores / 2) } }
    expect(play(halved, EVENLY, plan).acceptedSeconds.p99, part).toBeGreaterThan(LIMIT)
  }
})

test('the intake queue holds what waits, and every order is written before its reservation expires', () => {
  const { settings } = reckon(PLAN, COSTS, FACTS)
  const { intakeMax, orderSeconds } = play(SIZED)
  expect(intakeMax).toBeGreaterThan(10_000)
  expect(intakeMax).toBeLessThanOrEqual(settings.INTAKE_QUEUE_MAX_LENGTH ?? 0)
  expect(orderSeconds).toBeLessThan(settings.RESERVATION_LIFETIME_SECONDS ?? 0)
  // At a quarter of the pace they would not be.
  const late = play({ ...SIZED, ordersPerSecond: SIZED.ordersPerSecond / 4 })
  expect(late.orderSeconds).toBeGreaterThan(settings.RESERVATION_LIFETIME_SECONDS ?? Infinity)
})

test('with a unit for each buyer no buyer is refused, and the same seed plays the same sale', () => {
  const plan = { ...PLAN, stock: 100_000 }
  const first = play(SIZED, EARLY, plan)
  expect(first).toMatchObject({ accepted: 60_000, refusedSeconds: { p99: 0 } })
  expect(play(SIZED, EARLY, plan)).toEqual(first)
})
