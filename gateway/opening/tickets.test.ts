import { expect, test } from 'vitest'
import { createTickets, type TicketFor } from './tickets.ts'

const NOW_MS = 1_800_000_000_000
const tickets = createTickets('a secret of the shop')
const purchase: TicketFor = { saleId: 'phone', buyerId: 'auth0|王芳', key: undefined }
const ticket = tickets.give(purchase, NOW_MS, NOW_MS + 1_000)

test('a ticket is valid for its purchase until its end, in every gateway', () => {
  const elsewhere = createTickets('a secret of the shop')
  expect(elsewhere.check(ticket, purchase, NOW_MS + 999)).toEqual({ givenAtMs: NOW_MS })
  expect(elsewhere.check(ticket, purchase, NOW_MS + 1_000)).toBe('TICKET_EXPIRED')
})

test('without a ticket one is asked for', () => {
  expect(tickets.check(undefined, purchase, NOW_MS)).toBe('TICKET_REQUIRED')
})

test.each<[what: string, change: Partial<TicketFor>]>([
  ['another buyer', { buyerId: 'auth0|王' }],
  ['a buyer whose id goes on', { buyerId: 'auth0|王芳2' }],
  ['another sale', { saleId: 'phon' }],
  ['another purchase of the buyer', { key: 'second' }],
])('a ticket is not valid for %s', (_, change) => {
  expect(tickets.check(ticket, { ...purchase, ...change }, NOW_MS)).toBe('TICKET_OF_ANOTHER')
})

test('nor is one of a named purchase valid for the unnamed one', () => {
  const named = tickets.give({ ...purchase, key: 'first' }, NOW_MS, NOW_MS + 1_000)
  expect(tickets.check(named, purchase, NOW_MS)).toBe('TICKET_OF_ANOTHER')
  expect(tickets.check(named, { ...purchase, key: 'first' }, NOW_MS)).toEqual({ givenAtMs: NOW_MS })
})

const [claims, mac] = [ticket.slice(0, ticket.lastIndexOf('.')), ticket.slice(ticket.lastIndexOf('.') + 1)]
test.each([
  ['under another secret', createTickets('another').give(purchase, NOW_MS, NOW_MS + 1_000)],
  ['with a later end', ticket.replace((NOW_MS + 1_000).toString(36), (NOW_MS + 9_000).toString(36))],
  ['that goes on behind its signature', `${ticket}A`],
  ['without its signature', `${claims}.`],
  ['with half of its signature', ticket.slice(0, -20)],
  [
    'with another last character, which stands for the same bytes',
    `${claims}.${mac.slice(0, -1)}${twin(mac.slice(-1))}`,
  ],
  ['of claims alone', claims],
  ['of nothing', ''],
  ['of dots', '.....'],
  ['of words', 'let me in'],
  ['of 100,000 characters', 'a.'.repeat(50_000)],
])('a ticket %s is forged', (_, forged) => {
  expect(tickets.check(forged, purchase, NOW_MS)).toBe('TICKET_INVALID')
})

/** The last character of 32 bytes in base64url carries four bits; two more are ignored by decoders. */
function twin(last: string): string {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return ALPHABET[ALPHABET.indexOf(last) ^ 1] ?? ''
}
