import { expect, test } from 'vitest'
import type { Entry, Way } from './entry.ts'
import { lab } from './lab.ts'

const at = (seconds: number) => Date.UTC(2026, 0, 1, 12, 0, seconds)
const told = (way: Way, message: number): Entry => ({ way, what: 'TOLD', message, at: at(message) })
const left = (way: Way, message: number): Entry => ({ way, what: 'LEFT', message, at: at(50) })
const killed = (way: Way): Entry => ({ way, what: 'KILLED', at: at(40) })

test('what the sender was told and what is left decide, not the way', () => {
  const history = [told('transient', 1), told('transient', 2), killed('transient'), left('transient', 1)]
  expect(lab.judge([...history, left('transient', 2)])).toMatchObject({ holds: true, figures: { lost: 0 } })
  expect(lab.judge(history)).toMatchObject({ holds: false, figures: { told: 2, left: 1, lost: 1 } })
})

test('the first message that is lost is named for each way, with both times', () => {
  const history = [
    told('sync', 1),
    killed('sync'),
    left('sync', 1),
    told('quorum', 2),
    told('quorum', 3),
    killed('quorum'),
  ]
  expect(lab.judge(history).says.en).toBe(
    'message 2 (quorum queue, confirmed in the background) was taken to be safe at 12:00:02.000, and was gone after ' +
      'the kill at 12:00:40.000: 2 of 2 are lost',
  )
})

test('a message that is left although the sender was not told is no fault', () => {
  const history = [told('async', 1), killed('async'), left('async', 1), left('async', 2)]
  expect(lab.judge(history)).toMatchObject({ holds: true, figures: { told: 1, left: 2, lost: 0 } })
})
