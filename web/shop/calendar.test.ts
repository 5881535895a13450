import { expect, test } from 'vitest'
import { byDay } from './calendar.ts'

/** In the time zone of this machine. */
const at = (day: number, hour: number, minute = 0) => new Date(2026, 9, day, hour, minute)
const sale = (id: string, opensAt: Date, closesAt: Date, left = 1) => ({
  id,
  left,
  isStopped: false,
  opensAt: opensAt.toISOString(),
  closesAt: closesAt.toISOString(),
})

test("sales are grouped by the days of the visitor's own calendar, also where the clocks change", () => {
  // 25 October 2026 has 25 hours in much of Europe.
  const now = at(24, 15)
  const sales = [
    sale('open', at(24, 14), at(24, 16)),
    sale('sold-out', at(24, 14), at(24, 16), 0),
    sale('tonight', at(24, 23, 59), at(25, 2)),
    sale('midnight', at(25, 0), at(25, 1)),
    sale('tomorrow night', at(25, 23, 59), at(26, 1)),
    sale('later', at(26, 0), at(26, 1)),
    sale('over', at(24, 10), at(24, 15)),
  ]
  const groups = byDay(sales, now.getTime()).map(({ day, sales: some }) => [day, some.map(({ id }) => id)])
  expect(groups).toEqual([
    ['NOW', ['open', 'sold-out']],
    ['TODAY', ['tonight']],
    ['TOMORROW', ['midnight', 'tomorrow night']],
    ['LATER', ['later']],
    ['OVER', ['over']],
  ])
})

test('a day without sales is left out', () => {
  expect(byDay([sale('later', at(30, 1), at(30, 2))], at(24, 15).getTime()).map(({ day }) => day)).toEqual(['LATER'])
})
