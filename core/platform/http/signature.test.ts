import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { signBody, signatureFault } from './signature.ts'

const SECRET = 'a secret of more than thirty-two characters'
const NOW_MS = 1_760_000_000_500
const body = Buffer.from('{"amountCents":100}')
const header = signBody(SECRET, body, NOW_MS)

test('the header is the HMAC of the time, a dot and the raw body', () => {
  const expected = createHmac('sha256', SECRET).update(`1760000000.${body.toString()}`).digest('hex')
  expect(header).toBe(`t=1760000000,v1=${expected}`)
})

test('a valid signature is accepted up to 300 seconds early or late', () => {
  for (const seconds of [0, 299, -299])
    expect(signatureFault(SECRET, header, body, NOW_MS + seconds * 1_000)).toBeUndefined()
})

test('an old or future signature is out of time', () => {
  for (const seconds of [302, -302])
    expect(signatureFault(SECRET, header, body, NOW_MS + seconds * 1_000)).toBe('OUT_OF_TIME')
})

test('an altered body, an altered time and a foreign secret are wrong', () => {
  expect(signatureFault(SECRET, header, Buffer.from('{"amountCents":101}'), NOW_MS)).toBe('WRONG')
  expect(signatureFault(SECRET, header.replace('t=1760000000', 't=1760000001'), body, NOW_MS)).toBe('WRONG')
  expect(signatureFault(`${SECRET}!`, header, body, NOW_MS)).toBe('WRONG')
})

test('moving the dot between time and body invalidates the signature', () => {
  const moved = signBody(SECRET, '0.5', NOW_MS).replace('t=1760000000', 't=17600000000')
  expect(signatureFault(SECRET, moved, Buffer.from('.5'), NOW_MS)).toBe('WRONG')
})

test('an absent or empty header is reported as missing', () => {
  expect(signatureFault(SECRET, undefined, body, NOW_MS)).toBe('MISSING')
  expect(signatureFault(SECRET, '', body, NOW_MS)).toBe('MISSING')
})

test.each([
  'x',
  't=1760000000',
  'v1=00',
  `t=-1,v1=${'0'.repeat(64)}`,
  `t=1e9,v1=${'0'.repeat(64)}`,
  `t=1760000000,v1=${'0'.repeat(62)}`,
  `t=1760000000,v1=${'g'.repeat(64)}`,
  `${header},v1=${'0'.repeat(64)}`,
  ` ${header}`,
  `${header}\n`,
  `t=${'9'.repeat(400)},v1=${'0'.repeat(64)}`,
])('%s is malformed', (malformed) => {
  expect(signatureFault(SECRET, malformed, body, NOW_MS)).toBe('MALFORMED')
})
