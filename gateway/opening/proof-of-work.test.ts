import { type Challenge, type Solution, solveChallenge } from 'altcha-lib'
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2'
import { deriveKey as deriveInBrowser } from 'altcha-lib/algorithms/web/pbkdf2'
import { expect, test } from 'vitest'
import { createProofOfWork } from './proof-of-work.ts'

const work = createProofOfWork('a secret of the shop')
const purchase = { saleId: 'phone', buyerId: 'ann', key: undefined }
const proofOf = (challenge: unknown, solution: unknown) =>
  Buffer.from(JSON.stringify({ challenge, solution })).toString('base64')

async function solved(tries = 5, by = deriveKey) {
  const nowMs = Date.now()
  const challenge = await work.challenge(purchase, tries, nowMs)
  const solution = (await solveChallenge({ challenge: challenge as Challenge, deriveKey: by })) as Solution
  return { nowMs, challenge, solution, proof: proofOf(challenge, solution) }
}

test.each([
  ['node', deriveKey],
  ['a browser', deriveInBrowser],
])('what %s solves is accepted, by every gateway, again and again, for the same time', async (_, by) => {
  const { nowMs, proof } = await solved(5, by)
  const elsewhere = createProofOfWork('a secret of the shop')
  for (const gateway of [work, elsewhere])
    expect(await gateway.check(proof, purchase, nowMs + 60_000)).toEqual({ givenAtMs: nowMs })
})

test('the work is what was asked for: never more than twice the average', async () => {
  const counters = await Promise.all(Array.from({ length: 20 }, async () => (await solved(3)).solution.counter))
  expect(Math.max(...counters)).toBeLessThan(5)
  expect(new Set(counters).size).toBeGreaterThan(1)
  expect((await solved(1)).solution.counter).toBe(0)
})

test.each([
  ['another buyer', { ...purchase, buyerId: 'bob' }],
  ['another sale', { ...purchase, saleId: 'tablet' }],
  ['another purchase', { ...purchase, key: 'second' }],
])('a proof for %s is refused', async (_, other) => {
  const { proof, nowMs } = await solved()
  expect(await work.check(proof, other, nowMs)).toBe('PROOF_INVALID')
})

test('a proof is valid for ten minutes', async () => {
  const { proof, nowMs } = await solved()
  expect(await work.check(proof, purchase, nowMs + 11 * 60_000)).toBe('PROOF_INVALID')
})

type Forge = (made: Awaited<ReturnType<typeof solved>>) => string | Promise<string>
test.each<[what: string, forge: Forge]>([
  ['nothing', () => ''],
  ['no base64', () => '!!!'],
  ['null', () => Buffer.from('null').toString('base64')],
  ['a challenge without its solution', ({ challenge }) => proofOf(challenge, {})],
  ['another key', ({ challenge, solution }) => proofOf(challenge, { ...solution, derivedKey: '00'.repeat(32) })],
  ['a key that is no hex', ({ challenge, solution }) => proofOf(challenge, { ...solution, derivedKey: 'zz' })],
  [
    'the key of a counter that was not searched for',
    async ({ challenge }) => {
      const { derivedKey } = await deriveKey(
        challenge.parameters as Challenge['parameters'],
        Buffer.from(challenge.parameters.salt, 'hex'),
        Buffer.from(`${challenge.parameters.nonce}0000ffff`, 'hex'),
      )
      return proofOf(challenge, { counter: 0xffff, derivedKey: Buffer.from(derivedKey).toString('hex') })
    },
  ],
  [
    'a challenge that was made easier',
    async ({ challenge }) => {
      const easier = { ...challenge, parameters: { ...challenge.parameters, keyPrefix: '0', keySignature: '00' } }
      return proofOf(easier, await solveChallenge({ challenge: easier as Challenge, deriveKey }))
    },
  ],
  [
    'a challenge that was given later',
    ({ challenge, solution }) => {
      const { data } = challenge.parameters
      const later = { ...challenge, parameters: { ...challenge.parameters, data: { ...data, givenAtMs: 9e15 } } }
      return proofOf(later, solution)
    },
  ],
  [
    'a challenge under another secret',
    async () => {
      const challenge = await createProofOfWork('another').challenge(purchase, 1, Date.now())
      return proofOf(challenge, await solveChallenge({ challenge: challenge as Challenge, deriveKey }))
    },
  ],
])('a proof of %s is refused', async (_, forge) => {
  const made = await solved()
  expect(await work.check(await forge(made), purchase, made.nowMs)).toBe('PROOF_INVALID')
})
