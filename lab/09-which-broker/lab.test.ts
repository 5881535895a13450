import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Entry } from './entry.ts'
import { check } from './check.ts'
import { fastestIn, judge, rowsOf } from './judge.ts'
import { choices } from './solution.ts'
import { SAVED } from './saved.ts'
import { PAGES, withTable } from './table-text.ts'

const at = (seconds: number) => Date.UTC(2026, 0, 1, 12, 0, seconds)
const began: Entry = { candidate: 'quorum', did: 'BEGAN', phase: 'rush', at: at(0), text: '3.10' }
const entry = (did: Entry['did'], phase: Entry['phase'], message: number, more: Partial<Entry> = {}): Entry => ({
  candidate: 'quorum',
  did,
  phase,
  message,
  key: 7,
  at: at(message),
  ...more,
})
const killed: Entry = { candidate: 'quorum', did: 'KILLED', phase: 'kill', at: at(40) }

test('a confirmed message that is gone after the kill is named; an unconfirmed one that is there is no fault', () => {
  const history = [entry('CONFIRMED', 'kill', 1), entry('CONFIRMED', 'kill', 2), killed, entry('LEFT', 'kill', 1)]
  expect(judge(history)).toMatchObject({
    holds: false,
    figures: { lost: 1 },
    says: { en: 'RabbitMQ quorum: message 2 was confirmed at 12:00:02.000 and was gone after the kill' },
  })
  expect(judge([...history, entry('LEFT', 'kill', 2), entry('LEFT', 'kill', 3)]).holds).toBe(true)
})

test('of each key the first handling of a message counts, whichever way it was consumed', () => {
  const overtaken = [entry('CAME', 'one-queue', 2), entry('CAME', 'one-queue', 1, { at: at(3) })]
  expect(judge(overtaken).says.en).toBe(
    'RabbitMQ quorum: message 1 of key 7 was handled at 12:00:03.000, after the later message 2 of the same key',
  )
  expect(judge([entry('CAME', 'rush', 2), entry('CAME', 'rush', 1, { key: 8 })]).holds).toBe(true)
  expect(judge([entry('CAME', 'rush', 1), entry('CAME', 'rush', 2), entry('CAME', 'rush', 1)]).holds).toBe(true)
})

test('a message that both consumers have handled is named; one that the same consumer had again is none', () => {
  const once = entry('CAME', 'one-queue', 1, { consumer: 0 })
  expect(judge([once, { ...once, consumer: 1, at: at(5) }]).says.en).toBe(
    'RabbitMQ quorum: both consumers handled message 1, the second one at 12:00:05.000',
  )
  expect(judge([once, once]).holds).toBe(true)
})

test('a delayed message may come in any order with others of about the same time, and not behind later ones', () => {
  const due = (message: number, second: number) => entry('CONFIRMED', 'delay', message, { dueAt: at(second) })
  const came = [entry('CAME', 'delay', 1), entry('CAME', 'delay', 2)]
  expect(judge([due(1, 11), due(2, 10), ...came]).holds).toBe(true)
  expect(judge([due(1, 12), due(2, 10), ...came]).says.en).toBe(
    'RabbitMQ quorum: message 2 was due at 12:00:10.000 and came at 12:00:02.000, ' +
      'behind message 1, which was due at 12:00:12.000',
  )
})

test('a message that was rolled back must not come', () => {
  expect(judge([entry('ROLLED_BACK', 'rollback', 1)]).holds).toBe(true)
  expect(judge([entry('ROLLED_BACK', 'rollback', 1), entry('CAME', 'rollback', 1)]).holds).toBe(false)
})

test('what a candidate can do is what it was seen to do', () => {
  const job = [began, entry('CONFIRMED', 'rush', 1, { sentAt: at(0) }), entry('CAME', 'rush', 1)]
  expect(rowsOf(job)).toMatchObject([{ orders: true, delays: false, rereads: false, shares: false, rollsBack: false }])
  expect(rowsOf([...job, entry('AGAIN', 'rush', 1)])).toMatchObject([{ rereads: true }])
  const shared = [0, 1].map((consumer) => entry('CAME', 'one-queue', consumer + 1, { consumer, key: consumer }))
  expect(rowsOf([...job, ...shared])).toMatchObject([{ shares: true }])
})

test('the fastest is the one that has confirmed the most in a second', () => {
  const slow = [began, entry('CONFIRMED', 'rush', 1, { sentAt: at(0), at: at(10) })]
  const fast = slow.map((each): Entry => ({ ...each, candidate: 'redis', at: Math.min(each.at, at(1)) }))
  expect(fastestIn([...slow, ...fast])).toBe('redis')
})

test('a candidate that did not run is named, with the reason and the day of its figures', () => {
  const row = { ...SAVED.rows[0], candidate: 'kafka' } as (typeof SAVED.rows)[number]
  const saved = { row, date: '2026-01-31', machine: 'a machine' }
  const absent: Entry = { candidate: 'kafka', did: 'SAVED', phase: 'rush', at: at(1), text: 'NO_JAVA', saved }
  const { says, lines } = judge([began, absent])
  expect(says.en).toMatch(
    /Kafka did not run: there is no Java here; its figures were saved on 2026-01-31 \(a machine\)$/,
  )
  expect(lines?.at(-1)).toMatch(/^Kafka /)
})

test('the table of the documents is that of the saved run, which has all candidates', () => {
  expect(SAVED.rows.map(({ candidate }) => candidate)).toEqual([
    'classic',
    'quorum',
    'stream',
    'redis',
    'postgres',
    'kafka',
  ])
  for (const language of ['en', 'zh'] as const) {
    const page = readFileSync(PAGES[language], 'utf8')
    expect(page === withTable(page, SAVED, language), 'run: npm run lab:table -- <folder of a run>').toBe(true)
  }
})

test('a choice is refused by what it was not seen to do, and an unknown one by name', () => {
  const search = check({ choices: { ...choices, search: 'quorum' } })[1]
  expect(search).toMatchObject({ holds: false })
  expect(search?.says.en).toMatch(
    /^RabbitMQ quorum was not seen to be read again from the beginning; \d of 6 candidates/,
  )
  const unknown = check({ choices: { ...choices, search: 'rocketmq' as 'kafka' } })[1]
  expect(unknown?.says.en).toMatch(/^expected one of classic, .*; got "rocketmq"$/)
})
