import { expect, test } from 'vitest'
import { createLog } from '../process/log.ts'
import { handleItems } from './handle-items.ts'

const log = createLog('test', 'silent')
class Poison extends Error {}

/** Handles numbers all together or, where one of them is poison, none. */
function scene(poison: number[], stop = new AbortController(), isAway = false) {
  const handled: number[] = []
  const named: number[] = []
  let attempts = 0
  const run = (count: number, before: (attempt: number) => void = () => {}) =>
    handleItems(
      Array.from({ length: count }, (_, item) => ({
        item,
        onPoison: () => {
          named.push(item)
        },
      })),
      {
        log,
        stop: stop.signal,
        isFutile: (error) => error instanceof Poison,
        isAway: async () => isAway,
        handle(items) {
          before(++attempts)
          if (items.some((item) => poison.includes(item))) throw new Poison()
          handled.push(...items)
          return Promise.resolve()
        },
      },
    )
  return { run, handled, named, attempts: () => attempts, stop }
}

test('poison is named, and all around it is handled once and in order', async () => {
  const { run, handled, named, attempts } = scene([0, 123, 124, 499])
  expect(await run(500)).toBe('DONE')
  expect(named).toEqual([0, 123, 124, 499])
  expect(handled).toEqual(Array.from({ length: 500 }, (_, i) => i).filter((i) => !named.includes(i)))
  expect(attempts()).toBeLessThan(80)
})

test('nothing to handle is handled', async () => {
  const { run, attempts } = scene([])
  expect(await run(0)).toBe('DONE')
  expect(attempts()).toBe(0)
})

test('a transient fault makes no item poison: the same items are tried again', async () => {
  const { run, handled, named } = scene([])
  expect(
    await run(3, (attempt) => {
      if (attempt < 3) throw new Error('the server is away')
    }),
  ).toBe('DONE')
  expect(handled).toEqual([0, 1, 2])
  expect(named).toEqual([])
})

test('what fails together again and again is tried with less at a time, in its order', async () => {
  const handled: number[] = []
  const named: number[] = []
  const outcome = await handleItems(
    Array.from({ length: 10 }, (_, item) => ({
      item,
      onPoison: () => {
        named.push(item)
      },
    })),
    {
      log,
      stop: new AbortController().signal,
      isFutile: () => false,
      isAway: async () => false,
      handle(items) {
        if (items.length > 5) throw new Error('the transaction took too long')
        handled.push(...items)
        return Promise.resolve()
      },
    },
  )
  expect(outcome).toBe('DONE')
  expect(handled).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(named).toEqual([])
})

test('while stopping nothing is tried again, and what is left is said to be left', async () => {
  const { run, handled, attempts, stop } = scene([])
  expect(
    await run(3, () => {
      stop.abort()
      throw new Error('the server is away')
    }),
  ).toBe('STOPPED')
  expect(attempts()).toBe(1)
  expect(handled).toEqual([])
})

test('what needs a server that does not answer is given up at once, poison or not', async () => {
  const { run, handled, named, attempts } = scene([], new AbortController(), true)
  expect(
    await run(500, () => {
      throw new Error('connection refused')
    }),
  ).toBe('AWAY')
  expect({ handled, named, attempts: attempts() }).toEqual({ handled: [], named: [], attempts: 1 })
})
