import { expect, test } from 'vitest'
import { CLUSTER_VICTIMS, describe, drawSchedule, VICTIMS } from './schedule.ts'

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed)

test('the same seed gives the same schedule, another seed another one', () => {
  for (const told of [
    (seed: number) => drawSchedule(seed, VICTIMS).map(describe),
    (seed: number) => drawSchedule(seed, CLUSTER_VICTIMS).map(describe),
  ]) {
    expect(told(17)).toEqual(told(17))
    expect(told(17)).not.toEqual(told(18))
  }
})

test('a cluster is struck at every node and every kind of service, and never so that reservations are lost', () => {
  const rounds = SEEDS.map((seed) => drawSchedule(seed, CLUSTER_VICTIMS))
  const struck = new Set(rounds.flat().map(({ victim, harm }) => (victim === 'redis' ? `${harm} ${victim}` : victim)))
  expect([...struck].filter((fault) => fault.endsWith('redis'))).toHaveLength(6 * 4)
  for (const victim of ['postgres', 'rabbitmq', 'gateway-2', 'order-service-1', 'cancel-worker'])
    expect(struck).toContain(victim)
  const withoutBroker = rounds.filter((schedule) => schedule.some(({ victim }) => victim === 'rabbitmq'))
  const harmsOfRedis = withoutBroker.flat().flatMap(({ victim, harm }) => (victim === 'redis' ? [harm] : []))
  expect(harmsOfRedis.filter((harm) => !harm.startsWith('restart'))).toEqual([])
})
