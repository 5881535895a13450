import { expect, test } from 'vitest'
import { admissionsUntil } from './place-view.ts'

test.each<[who: string, ahead: number, isMember: boolean, membersShare: number | undefined, until: number]>([
  ['the first of one line', 0, false, undefined, 1],
  ['the first member, with half of the admissions', 0, true, 50, 2],
  ['a member with nine tenths', 8, true, 90, 10],
  ['a buyer with the tenth that is left', 0, false, 90, 10],
  ['a buyer behind whose first ones all members are admitted', 20, false, 50, 31],
])('the admissions until %s', (_who, ahead, isMember, membersShare, until) => {
  expect(admissionsUntil({ ahead, isMember }, { waiting: 50, members: 10, membersShare })).toBe(until)
})
