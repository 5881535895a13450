import { createHmac } from 'node:crypto'
import { createSigner } from 'fast-jwt'
import { describe, expect, test } from 'vitest'
import { hs256Verifier } from './hs256.ts'

const secret = 'x'.repeat(32)
const verify = hs256Verifier(secret)
const encoded = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url')

function signed(head: string, claims: string, key = secret): string {
  return `${head}.${claims}.${createHmac('sha256', key).update(`${head}.${claims}`).digest('base64url')}`
}
const HEAD = encoded({ alg: 'HS256' })

test.each([1, 63, 64, 65, 200])('a token that a library signed under a secret of %i bytes is read', (bytes) => {
  const key = 'é'.repeat(bytes)
  const token = createSigner({ key, algorithm: 'HS256', noTimestamp: true })({ sub: 'ann', of: '苏州' })
  expect(hs256Verifier(key)(token)).toEqual({ sub: 'ann', of: '苏州' })
  expect(verify(token)).toBeUndefined()
})

test('the header may have other fields, in any order', () => {
  const head = encoded({ kid: '7', typ: 'JWT', alg: 'HS256' })
  expect(verify(signed(head, encoded({ sub: 'ann' })))).toEqual({ sub: 'ann' })
})

describe('a rightly signed text is refused', () => {
  test.each([
    ['under another algorithm', encoded({ alg: 'HS512' }), encoded({})],
    ['under none', encoded({ alg: 'none' }), encoded({})],
    ['with an extension that a verifier must know', encoded({ alg: 'HS256', crit: ['exp'] }), encoded({})],
    ['whose header is no object', encoded('HS256'), encoded({})],
    ['whose header is not encoded', '{"alg":"HS256"}', encoded({})],
    ['whose claims are no JSON', HEAD, Buffer.from('{').toString('base64url')],
    ['whose claims are no object', HEAD, encoded(7)],
    ['whose claims are null', HEAD, encoded(null)],
    ['whose claims are padded', HEAD, `${encoded({ a: 1 })}=`],
    ['without claims', HEAD, ''],
  ])('%s', (_, head, claims) => {
    expect(verify(signed(head, claims))).toBeUndefined()
    // The header is known by now.
    expect(verify(signed(head, claims))).toBeUndefined()
  })
})

describe('a text is refused', () => {
  const token = signed(HEAD, encoded({ sub: 'ann' }))
  const [head, claims = '', signature = ''] = token.split('.')
  test.each([
    ['without a signature', `${head}.${claims}`],
    ['with an empty one', `${head}.${claims}.`],
    ['with a part too many', `${token}.`],
    ['with a padded signature', `${token}=`],
    ['with half a signature', token.slice(0, -20)],
    // The last letter has two bits without meaning: a decoder takes four letters for the same.
    ['with another spelling of its signature', token.slice(0, -1) + nextLetter(token.at(-1) ?? '')],
    [
      'with letters whose low byte is that of the right ones',
      `${head}.${claims.slice(0, -1)}${above(claims.at(-1))}.${signature}`,
    ],
    ['with a signature of such letters', `${head}.${claims}.${signature.slice(0, -1)}${above(signature.at(-1))}`],
  ])('%s', (_, text) => {
    expect(verify(token)).toEqual({ sub: 'ann' })
    expect(verify(text)).toBeUndefined()
  })
})

const above = (letter = '') => String.fromCharCode(letter.charCodeAt(0) + 256)

function nextLetter(letter: string): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return letters[letters.indexOf(letter) ^ 1] ?? ''
}
