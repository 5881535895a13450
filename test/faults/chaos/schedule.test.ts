import { expect, test } from 'vitest'
import { CLUSTER_VICTIMS, describe, drawSchedule, eachAlone, VICTIMS } from './schedule.ts'

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

test('each kind of fault is played by itself, once', () => {
  const harmsOf = (faults: { victim: string; harm: string }[][], victim: string) =>
    faults.flat().flatMap((fault) => (fault.victim === victim ? [fault.harm] : []))
  const faults = eachAlone(CLUSTER_VICTIMS)
  expect(harmsOf(faults, 'redis')).toEqual([
    'kill node 1 of',
    'pause node 1 of',
    'restart node 1 of',
    'fail over from node 1 of',
  ])
  expect(harmsOf(faults, 'gateway-1').length).toBeGreaterThan(0)
  expect(harmsOf(faults, 'gateway-2')).toEqual([])
  expect(harmsOf(eachAlone(VICTIMS), 'gateway-1 to redis').length).toBeGreaterThan(0)
  expect(faults.every(({ length }) => length === 1)).toBe(true)
})
