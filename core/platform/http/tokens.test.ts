import { createSigner } from 'fast-jwt'
import { expect, test } from 'vitest'
import { createTokens } from './tokens.ts'

const secret = 'x'.repeat(32)
const tokens = createTokens(secret)

test('a verified token yields a buyer: the id, and the claims that a rule may use', () => {
  expect(tokens.verify(tokens.sign('ann', { tier: 'vip' }))).toEqual({ buyer: { id: 'ann', claims: { tier: 'vip' } } })
  expect(tokens.verify(tokens.sign('ann'))).toEqual({ buyer: { id: 'ann', claims: {} } })
})

test('a claim of another form counts as absent, and the token is valid all the same', () => {
  const sign = createSigner({ key: secret, algorithm: 'HS256', aud: 'seckill', expiresIn: 60_000 })
  for (const tier of [3, null, { of: 'gold' }, 'x'.repeat(41)])
    expect(tokens.verify(sign({ sub: 'ann', tier, colour: 'red' }))).toEqual({ buyer: { id: 'ann', claims: {} } })
})
