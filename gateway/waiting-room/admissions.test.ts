import { expect, test } from 'vitest'
import type { Opening } from '../../core/contracts/opening.ts'
import { createTickets } from '../opening/tickets.ts'
import { createAdmissions } from './admissions.ts'

const SECRET = 's'.repeat(32)
const opening: Opening = {
  waitingRoom: { perSecond: 1, outstandingMax: 1, admissionSeconds: 60, absentSeconds: 30, keptSeconds: 60 },
}
const sale = { saleId: 'sale', opening }
const admissions = createAdmissions(SECRET)

test('an admission is valid for its buyer, in its sale, until its end, and is the same text each time', () => {
  const admission = admissions.give('sale', 'ann', 1_000)
  expect(admissions.give('sale', 'ann', 1_000)).toBe(admission)
  expect(admissions.fault(sale, 'ann', admission, 999)).toBeUndefined()
  expect(admissions.fault(sale, 'ann', admission, 1_000)).toBe('ADMISSION_EXPIRED')
  expect(admissions.fault(sale, 'bob', admission, 999)).toBe('ADMISSION_OF_ANOTHER')
  expect(admissions.fault({ saleId: 'sale-2', opening }, 'ann', admission, 999)).toBe('ADMISSION_OF_ANOTHER')
  expect(admissions.fault(sale, 'ann', undefined, 999)).toBe('ADMISSION_REQUIRED')
})

test.each<[what: string, admission: string]>([
  ['of another secret', createAdmissions('t'.repeat(32)).give('sale', 'ann', 1_000)],
  ['that is a ticket', createTickets(SECRET).give({ saleId: 'sale', buyerId: 'ann', key: undefined }, 0, 1_000)],
  ['with a later end', admissions.give('sale', 'ann', 1_000).replace(/\.[^.]+\.([^.]+)$/, '.zzzz.$1')],
  ['without a signature', 'sale.YW5u..0.rs.'],
  ['that is empty', ''],
  ['that was sent twice', `${admissions.give('sale', 'ann', 1_000)}, ${admissions.give('sale', 'ann', 1_000)}`],
])('an admission %s is not valid', (_what, admission) => {
  expect(admissions.fault(sale, 'ann', admission, 999)).toBe('ADMISSION_INVALID')
})

test('a sale without a waiting room needs none', () => {
  expect(admissions.fault({ saleId: 'sale' }, 'ann', undefined, 999)).toBeUndefined()
  expect(
    admissions.fault({ saleId: 'sale', opening: { lapses: { max: 1, waitSeconds: 1 } } }, 'ann', 'x', 0),
  ).toBeUndefined()
})
