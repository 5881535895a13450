import { expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { createLog } from './log.ts'
import { repeat } from './repeat.ts'

const log = createLog('test', 'silent')
const NEVER_MS = 60_000

test('the work runs at once, and again after every interval', async () => {
  let runs = 0
  const repeating = repeat(
    5,
    async () => {
      runs += 1
    },
    log,
  )
  expect(
    await eventually(
      'three runs',
      () => runs,
      (count) => count >= 3,
    ),
  ).toBeGreaterThanOrEqual(3)
  await repeating.close()
})

test('a failing run is followed by the next', async () => {
  let runs = 0
  const repeating = repeat(
    5,
    async () => {
      runs += 1
      throw new Error('broken')
    },
    log,
  )
  expect(
    await eventually(
      'two runs',
      () => runs,
      (count) => count >= 2,
    ),
  ).toBeGreaterThanOrEqual(2)
  await repeating.close()
})

test('soon() starts the next run early, and close() ends the pause', async () => {
  let runs = 0
  const repeating = repeat(
    NEVER_MS,
    async () => {
      runs += 1
    },
    log,
  )
  await eventually(
    'a run',
    () => runs,
    (count) => count === 1,
  )
  repeating.soon()
  await eventually(
    'another run',
    () => runs,
    (count) => count === 2,
  )
  await repeating.close()
  expect(runs).toBe(2)
})

test('many calls of soon() during a run cause one more run, and runs never overlap', async () => {
  let runs = 0
  let atOnce = 0
  let mostAtOnce = 0
  let finish = () => {}
  const repeating = repeat(
    NEVER_MS,
    async () => {
      runs += 1
      atOnce += 1
      mostAtOnce = Math.max(mostAtOnce, atOnce)
      if (runs === 1)
        await new Promise<void>((resolve) => {
          finish = resolve
        })
      atOnce -= 1
    },
    log,
  )
  repeating.soon()
  repeating.soon()
  repeating.soon()
  finish()
  await eventually(
    'another run',
    () => runs,
    (count) => count === 2,
  )
  await repeating.close()
  expect({ runs, mostAtOnce }).toEqual({ runs: 2, mostAtOnce: 1 })
})

test('close() waits for the current run and starts no other', async () => {
  let runs = 0
  let finish = () => {}
  const repeating = repeat(
    1,
    async () => {
      runs += 1
      await new Promise<void>((resolve) => {
        finish = resolve
      })
    },
    log,
  )
  let isClosed = false
  const closing = repeating.close().then(() => {
    isClosed = true
  })
  await new Promise(setImmediate)
  expect(isClosed).toBe(false)
  finish()
  // close() awaits the loop itself, so nothing can run after it has returned.
  await closing
  expect(runs).toBe(1)
})
