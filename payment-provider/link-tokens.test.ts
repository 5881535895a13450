import { createSigner } from 'fast-jwt'
import { expect, test } from 'vitest'
import { createTokens } from '../core/platform/http/tokens.ts'
import { createLinkTokens } from './link-tokens.ts'

const SECRET = 'a secret of more than thirty-two characters'
const payment = {
  paymentId: '7f3f8f0e-6a0e-4a5b-9d9b-0d8c8f6f2a11',
  orderId: '0b8a3c1e-1d53-4c3e-8a54-6d9a2f1c7e22',
  amountCents: 1_999,
  currency: 'CNY',
}
const links = createLinkTokens(SECRET)

test('a link carries its payment, and the same payment has the same link', () => {
  expect(links.verify(links.sign(payment))).toEqual(payment)
  expect(links.sign(payment)).toBe(links.sign({ ...payment }))
})

test("a buyer's token is no link and a link is no buyer's token, even under one secret", () => {
  const tokens = createTokens(SECRET)
  expect(links.verify(tokens.sign('alice'))).toBeUndefined()
  expect(tokens.verify(links.sign(payment))).toEqual({ fault: expect.any(String) as unknown })
})

test('an altered, foreign, unsigned or malformed token is no link', () => {
  const token = links.sign(payment)
  const [, , mac] = token.split('.')
  const body = Buffer.from(JSON.stringify({ ...payment, amountCents: 1, aud: 'seckill-payment-link' })).toString(
    'base64url',
  )
  expect(links.verify(`${token.split('.')[0]}.${body}.${mac}`)).toBeUndefined()
  expect(createLinkTokens(`${SECRET}!`).verify(token)).toBeUndefined()
  expect(links.verify(`${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${body}.`)).toBeUndefined()
  for (const malformed of ['', 'x', '..', token.slice(0, -2)]) expect(links.verify(malformed)).toBeUndefined()
})

test('our audience on other claims, and our claims for another audience, are no link', () => {
  const signer = (options: { aud?: string }) =>
    createSigner({ key: SECRET, algorithm: 'HS256', noTimestamp: true, ...options })
  expect(links.verify(signer({ aud: 'seckill-payment-link' })({ sub: 'alice' }))).toBeUndefined()
  expect(links.verify(signer({ aud: 'seckill' })(payment))).toBeUndefined()
  expect(links.verify(signer({})(payment))).toBeUndefined()
})
