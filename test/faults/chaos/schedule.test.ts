import { expect, test } from 'vitest'
import { describe, drawSchedule } from './schedule.ts'

test('the same seed gives the same schedule, another seed another one', () => {
  const told = (seed: number) => drawSchedule(seed).map(describe)
  expect(told(17)).toEqual(told(17))
  expect(told(17)).not.toEqual(told(18))
})
