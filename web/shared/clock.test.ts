import { expect, test } from 'vitest'
import { createClock } from './clock.ts'

const SERVER_MS = Date.parse('2026-01-01T00:00:00Z')

/** A device whose own clock is an hour late. */
function device() {
  let monotonicMs = 0
  let sleptMs = 0
  const clock = createClock(() => monotonicMs, SERVER_MS - 3_600_000)
  const serverMs = () => SERVER_MS + monotonicMs + sleptMs
  return {
    errorMs: () => Math.abs(clock.nowMs() - serverMs()),
    pass: (ms: number) => {
      monotonicMs += ms
    },
    /** As phones do: what counts the time stands still meanwhile. */
    sleep: (ms: number) => {
      sleptMs += ms
    },
    ask: (tookMs: number, serverWasAt = 0.5) => {
      const askedAtMs = monotonicMs
      monotonicMs += tookMs * serverWasAt
      const serverTime = new Date(serverMs()).toISOString()
      monotonicMs += tookMs * (1 - serverWasAt)
      clock.learn(serverTime, askedAtMs)
    },
  }
}

test('one answer sets a clock that is wrong, and a slow one does not spoil it', () => {
  const { ask, pass, errorMs } = device()
  ask(20)
  expect(errorMs()).toBeLessThanOrEqual(10)
  pass(5_000)
  ask(2_000, 1)
  expect(errorMs()).toBeLessThanOrEqual(10)
})

test('after a minute a slower answer is believed, too', () => {
  const { ask, pass, errorMs } = device()
  ask(20)
  pass(60_000)
  ask(400, 1)
  expect(errorMs()).toBe(200)
})

test('a device that slept learns with the first answer that time has passed, also from a slow one', () => {
  const { ask, sleep, errorMs } = device()
  ask(20)
  sleep(600_000)
  expect(errorMs()).toBeGreaterThan(500_000)
  ask(300)
  expect(errorMs()).toBeLessThanOrEqual(1)
})
