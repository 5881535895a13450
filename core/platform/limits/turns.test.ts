import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Turn, Turns } from './turns.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Takes turns by name, and notes what became of them. */
function taking(limits: { atOnce?: number; waitingMax?: number; waitMsMax?: number; oldestFirst?: boolean }) {
  const turns = new Turns({ atOnce: 1, waitingMax: 10, waitMsMax: 1_000, ...limits })
  const ended: string[] = []
  const gone = new Set<string>()
  const take = (name: string) =>
    void turns.take(() => gone.has(name)).then((turn: Turn) => ended.push(`${name} ${turn}`))
  /** @returns what ended since the last call */
  const news = async () => {
    await vi.advanceTimersByTimeAsync(0)
    return ended.splice(0)
  }
  return { turns, take, news, gone }
}

test('as much is done at once as may be, and the newest of what waits is next', async () => {
  const { turns, take, news } = taking({ atOnce: 2 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) take(name)
  expect(await news()).toEqual(['a GIVEN', 'b GIVEN'])
  turns.giveBack()
  expect(await news()).toEqual(['e GIVEN'])
  turns.giveBack()
  turns.giveBack()
  expect(await news()).toEqual(['d GIVEN', 'c GIVEN'])
})

test('work that is of use without its caller is done in the order of arrival', async () => {
  const { turns, take, news } = taking({ oldestFirst: true })
  for (const name of ['a', 'b', 'c']) take(name)
  for (let i = 0; i < 3; i++) turns.giveBack()
  expect(await news()).toEqual(['a GIVEN', 'b GIVEN', 'c GIVEN'])
})

test('when too much waits the oldest is refused', async () => {
  const { take, news } = taking({ waitingMax: 2 })
  for (const name of ['a', 'b', 'c', 'd']) take(name)
  expect(await news()).toEqual(['a GIVEN', 'b FULL'])
})

test('when too much waits in the order of arrival the newest is refused', async () => {
  const { turns, take, news } = taking({ waitingMax: 2, oldestFirst: true })
  for (const name of ['a', 'b', 'c', 'd']) take(name)
  turns.giveBack()
  expect(await news()).toEqual(['a GIVEN', 'd FULL', 'b GIVEN'])
})

test('what has waited too long is refused, each at its own time', async () => {
  const { take, news } = taking({ waitMsMax: 1_000 })
  take('a')
  take('b')
  await vi.advanceTimersByTimeAsync(600)
  take('c')
  expect(await news()).toEqual(['a GIVEN'])
  await vi.advanceTimersByTimeAsync(402)
  expect(await news()).toEqual(['b LATE'])
  await vi.advanceTimersByTimeAsync(600)
  expect(await news()).toEqual(['c LATE'])
})

test('a process that stood still gives no turn to what has become too old meanwhile', async () => {
  const { turns, take, news } = taking({ waitMsMax: 1_000 })
  take('a')
  take('b')
  const later = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 5_000)
  turns.giveBack()
  later.mockRestore()
  expect(await news()).toEqual(['a GIVEN', 'b LATE'])
})

test('work whose caller has left takes no turn', async () => {
  const { turns, take, news, gone } = taking({})
  for (const name of ['a', 'b', 'c']) take(name)
  gone.add('c')
  turns.giveBack()
  expect(await news()).toEqual(['a GIVEN', 'c GONE', 'b GIVEN'])
})
