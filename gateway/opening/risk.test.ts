import { expect, test } from 'vitest'
import { type BuyerFacts, riskOf, workFactor } from './risk.ts'

const DAY_MS = 24 * 3_600_000
const harmless: BuyerFacts = { isBlacklisted: false, accountAgeMs: undefined, accountsOfAddress: 1, lapsedOrders: 0 }

test.each<[what: string, facts: Partial<BuyerFacts>, score: number, rules: string[]]>([
  ['an account of unknown age, alone at its address', {}, 0, []],
  ['an old account', { accountAgeMs: 400 * DAY_MS }, 0, []],
  ['an account of this hour', { accountAgeMs: 3_600_000 }, 30, ['NEW_ACCOUNT']],
  ['an account of this week', { accountAgeMs: 3 * DAY_MS }, 15, ['NEW_ACCOUNT']],
  ['an account that its login dates into the future', { accountAgeMs: -DAY_MS }, 30, ['NEW_ACCOUNT']],
  ['a family at one address', { accountsOfAddress: 5 }, 0, []],
  ['an office', { accountsOfAddress: 20 }, 20, ['CROWDED_ADDRESS']],
  ['a campus', { accountsOfAddress: 100 }, 40, ['CROWDED_ADDRESS']],
  ['a farm', { accountsOfAddress: 101 }, 80, ['CROWDED_ADDRESS']],
  ['a buyer who let one order lapse', { lapsedOrders: 1 }, 15, ['LAPSED_ORDERS']],
  ['one who let many lapse', { lapsedOrders: 8 }, 60, ['LAPSED_ORDERS']],
  ['new accounts of a campus', { accountsOfAddress: 50, accountAgeMs: 0 }, 70, ['NEW_ACCOUNT', 'CROWDED_ADDRESS']],
  [
    'all of it',
    { isBlacklisted: true, accountAgeMs: 0, accountsOfAddress: 500, lapsedOrders: 9 },
    100,
    ['BLACKLISTED', 'NEW_ACCOUNT', 'CROWDED_ADDRESS', 'LAPSED_ORDERS'],
  ],
])('the risk of %s', (_, facts, score, rules) => {
  expect(riskOf({ ...harmless, ...facts })).toEqual({ score, rules })
})

test('the riskiest buyer does five times the work', () => {
  expect([0, 25, 100].map(workFactor)).toEqual([1, 2, 5])
})
