import { expect, test } from 'vitest'
import { closedSchedule, openSchedule, type Schedule } from './schedule.ts'

const takeAll = (schedule: Schedule, nowMs: number): number[] => {
  const taken: number[] = []
  for (let at = schedule.take(nowMs); at !== undefined; at = schedule.take(nowMs)) taken.push(at)
  return taken
}

test('the closed model sends at once until its time is over', () => {
  const schedule = closedSchedule(1)
  expect(schedule.take(999)).toBe(999)
  expect(schedule.take(1_000)).toBeUndefined()
})

test('the open model counts from when a request was meant to go, not from when it could', () => {
  const schedule = openSchedule(1, 100)
  expect(takeAll(schedule, 25)).toEqual([0, 10, 20])
  expect(takeAll(schedule, 29)).toEqual([])
  expect(takeAll(schedule, 45)).toEqual([30, 40])
})

test('what the open model could not send is counted', () => {
  const schedule = openSchedule(1, 100)
  expect(takeAll(schedule, 500)).toHaveLength(50)
  expect(schedule.waiting(700)).toBe(20)
  expect(schedule.waiting(5_000)).toBe(50)
  expect(takeAll(schedule, 5_000)).toHaveLength(50)
})
