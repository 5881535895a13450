import { expect, test } from 'vitest'
import { lab } from './lab.ts'
import type { Step } from './race.ts'

const at = (seconds: number) => Date.UTC(2026, 0, 1, 12, 0, seconds)
const step = (order: number, who: Step['who'], did: Step['did'], row: string, seconds: number): Step => ({
  order,
  who,
  did,
  row,
  at: at(seconds),
  tookMs: 5,
})

test('an order of which one call was refused holds', () => {
  const history = [step(7, 'pay', 'DONE', 'PAID', 1), step(7, 'cancel', 'REFUSED', 'PAID', 2)]
  expect(lab.judge(history)).toMatchObject({ holds: true, figures: { lost: 0, deadlocks: 0 } })
})

test('an order of which both were told "done" is named, with both times', () => {
  const history = [
    step(7, 'pay', 'DONE', 'PAID', 1),
    step(7, 'cancel', 'REFUSED', 'PAID', 2),
    step(8, 'cancel', 'DONE', 'PAID', 4),
    step(8, 'pay', 'DONE', 'CANCELLED', 3),
  ]
  const { holds, figures, says, lines } = lab.judge(history)
  expect([holds, figures.lost]).toEqual([false, 1])
  expect(says.en).toBe(
    'order 8 was told "paid" at 12:00:03.000 and "cancelled" at 12:00:04.000; ' +
      'its row says PAID, and one change is lost',
  )
  expect(lines).toHaveLength(3)
})

test('a deadlock breaks it, too', () => {
  const history = [
    step(7, 'pay', 'DEADLOCK', '', 1),
    step(7, 'pay', 'REFUSED', 'CANCELLED', 3),
    step(7, 'cancel', 'DONE', 'CANCELLED', 2),
  ]
  expect(lab.judge(history)).toMatchObject({ holds: false, figures: { lost: 0, deadlocks: 1 } })
})
