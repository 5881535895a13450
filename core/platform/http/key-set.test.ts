import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KeySet } from './key-set.ts'

let server: Server
let address: URL
let requests: string[]
let answer: RequestListener
const keys: Record<string, JWK> = {}

beforeAll(async () => {
  for (const kid of ['one', 'two'])
    keys[kid] = { ...(await exportJWK((await generateKeyPair('ES256')).publicKey)), kid, alg: 'ES256' }
  server = createServer((req, res) => {
    requests.push(req.url ?? '')
    answer(req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  requests = []
  answer = having('one')
})

const textOf = (...kids: string[]) => JSON.stringify({ keys: kids.map((kid) => keys[kid]) })
const sending =
  (text: string, status = 200, headers = {}): RequestListener =>
  (_req, res) =>
    res.writeHead(status, headers).end(text)
const having = (...kids: string[]) => sending(textOf(...kids))
const kids = async (set: KeySet) => {
  const found = await Promise.all(
    ['one', 'two'].map((kid) =>
      set.find({ alg: 'ES256', kid }).then(
        () => [kid],
        () => [],
      ),
    ),
  )
  return found.flat()
}

test('a key set is read from an address and from a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'key-set-'))
  try {
    const file = join(folder, 'jwks.json')
    await writeFile(file, textOf('one'))
    for (const from of [address, pathToFileURL(file)]) {
      const set = new KeySet(from)
      await set.read()
      expect([set.check(), await kids(set)]).toEqual([true, ['one']])
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

describe('the last good set stays, and readiness says why, when the key server', () => {
  const padding = 'x'.repeat(300 * 1_024)
  test.each<[does: string, answer: RequestListener, reason: string]>([
    ['fails', sending('', 500), 'it answers 500'],
    ['redirects for ever', (_req, res) => res.writeHead(302, { location: '/jwks' }).end(), 'it redirects'],
    [
      'redirects to a key set',
      (req, res) => (req.url === '/jwks' ? res.writeHead(307, { location: '/two' }).end() : having('two')(req, res)),
      'it redirects',
    ],
    [
      'sends a huge set',
      (req, res) => sending(JSON.stringify({ keys: [keys.two], padding }))(req, res),
      'it is larger than 256 KB',
    ],
    ['sends a page', sending('<html>'), 'it is no JSON Web Key Set'],
    ['sends other JSON', sending('{"keys":"none"}'), 'it is no JSON Web Key Set'],
    ['sends an empty set', sending('{"keys":[]}'), 'it has no keys'],
    ['hangs up', (req) => req.socket.destroy(), 'UND_ERR_SOCKET'],
    ['never answers', () => undefined, 'no answer within 3 s'],
    ['never ends its answer', (_req, res) => res.write('{"keys":['), 'no answer within 3 s'],
  ])('%s', async (_does, then, reason) => {
    const set = new KeySet(address)
    await set.read()
    answer = then
    await expect(set.read()).rejects.toThrow(`The key set of LOGIN_JWKS cannot be read: ${reason}`)
    expect(requests).toEqual(['/jwks', '/jwks'])
    expect(set.check()).toMatchObject({ code: 'LOGIN_KEYS_OLD', staysReady: true })
    expect(await kids(set)).toEqual(['one'])
    answer = having('two')
    await set.read()
    expect([set.check(), await kids(set)]).toEqual([true, ['two']])
  })
})

test('before a first set every key is unknown, and readiness fails with what to do', async () => {
  answer = sending('', 404)
  const set = new KeySet(address)
  expect(await kids(set)).toEqual([])
  expect(set.check()).toEqual({
    code: 'LOGIN_KEYS_MISSING',
    detail: expect.stringMatching(/it answers 404\. Correct the address, or mend the login/) as string,
  })
})

test('a new kid has the set read again, and a key that was taken out is gone', async () => {
  const set = new KeySet(address, { cooldownMs: 0 })
  await set.read()
  answer = having('two')
  await expect(set.find({ alg: 'ES256', kid: 'two' })).resolves.toBeDefined()
  expect(requests).toHaveLength(2)
  expect(await kids(set)).toEqual(['two'])
})

test('unknown kids have the set read once in a while, not once each, also while reading fails', async () => {
  for (const status of [200, 500]) {
    requests = []
    const set = new KeySet(address, { cooldownMs: 3_600_000 })
    answer = sending(textOf('one'), status)
    for (let i = 0; i < 5; i++)
      await expect(set.find({ alg: 'ES256', kid: `foreign-${i}` })).rejects.toThrow('no applicable key')
    expect(requests).toHaveLength(1)
  }
})

test('tokens that meet an unknown kid at the same time share one reading', async () => {
  const set = new KeySet(address)
  const found = await Promise.all(Array.from({ length: 20 }, () => set.find({ alg: 'ES256', kid: 'one' })))
  expect([found.length, requests.length]).toEqual([20, 1])
})
