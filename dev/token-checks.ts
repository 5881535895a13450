/**
 * Usage: npm run token-checks
 * CPU of one check of a buyer's token, of all threads of this process: medians of rounds in which the kinds take turns,
 * so that the ratios hold on a busy machine, too. The table stands in docs/performance.md.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compactVerify, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { commandLine } from '../core/platform/process/command-line.ts'
import { KeySet } from '../core/platform/http/key-set.ts'
import { ASYMMETRIC } from '../core/platform/http/outside-login.ts'
import { bearer, createTokens, OUR_RULES } from '../core/platform/http/tokens.ts'

commandLine()

const TOKENS = 1_000
const ROUNDS = 15
const SECRET = '0123456789abcdef'.repeat(3)

const pairs = await Promise.all(
  ASYMMETRIC.map(async (alg) => ({ alg, ...(await generateKeyPair(alg, { extractable: true })) })),
)
const keySet = await readKeySet()
const login = { keySet, algorithms: ASYMMETRIC, rules: OUR_RULES }
const shop = (rememberedMax: number) => createTokens(SECRET, { rememberedMax })
const [forgetting, remembering, overflowing] = [shop(0), shop(TOKENS), shop(TOKENS / 2)]
const beside = createTokens(SECRET, { login, rememberedMax: 0 })
const remembersOutside = createTokens(SECRET, { login, rememberedMax: TOKENS * ASYMMETRIC.length })

const ours = Array.from({ length: TOKENS }, (_, i) => forgetting.sign(`buyer-${i}`))
const secretBytes = new TextEncoder().encode(SECRET)

type Check = (token: string) => unknown
const kinds: { name: string; tokens: string[]; check: Check }[] = [
  { name: 'reading the header alone', tokens: ours, check: (token) => token },
  { name: 'HS256', tokens: ours, check: forgetting.verify },
  { name: 'HS256, remembered', tokens: ours, check: remembering.verify },
  { name: 'HS256, of a buyer forgotten meanwhile', tokens: ours, check: overflowing.verify },
  { name: 'HS256, beside an outside login', tokens: ours, check: beside.verify },
  { name: 'HS256 by jose, signature only', tokens: ours, check: (token) => compactVerify(token, secretBytes) },
]
for (const { alg, privateKey, publicKey } of pairs) {
  const tokens = await Promise.all(
    Array.from({ length: TOKENS }, (_, i) =>
      new SignJWT({ sub: `buyer-${i}`, aud: OUR_RULES.audience })
        .setProtectedHeader({ alg, kid: alg })
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(privateKey),
    ),
  )
  kinds.push(
    { name: alg, tokens, check: beside.verify },
    { name: `${alg}, remembered`, tokens, check: remembersOutside.verify },
    { name: `${alg} by jose, signature only`, tokens, check: (token) => compactVerify(token, publicKey) },
  )
}

const rounds: Map<string, number[]> = new Map(kinds.map(({ name }) => [name, []]))
for (let round = 0; round < ROUNDS; round++)
  for (const { name, tokens, check } of kinds) rounds.get(name)?.push(await microsEach(tokens, check))
const [unit = 1] = medians('HS256')
console.log('| check | CPU, µs | HS256 = 1 |\n|---|---:|---:|')
for (const { name } of kinds) {
  const [micros = 0] = medians(name)
  console.log(`| ${name} | ${micros.toPrecision(3)} | ${(micros / unit).toPrecision(2)} |`)
}

/** Each time as a new string, as a request brings it: a map finds one that it has seen before sooner. */
async function microsEach(tokens: string[], check: Check): Promise<number> {
  const headers = tokens.map((token) => Buffer.from(`Bearer ${token}`))
  const before = process.cpuUsage()
  for (const header of headers) await check(bearer(header.toString('latin1')) ?? '')
  const { user, system } = process.cpuUsage(before)
  return (user + system) / tokens.length
}

/** Without the first rounds, in which code is compiled and tokens are remembered. */
function medians(name: string): number[] {
  const sorted = (rounds.get(name) ?? []).slice(3).toSorted((one, other) => one - other)
  return [sorted[Math.floor(sorted.length / 2)] ?? 0]
}

async function readKeySet(): Promise<KeySet> {
  const folder = await mkdtemp(join(tmpdir(), 'token-checks-'))
  try {
    const keys = await Promise.all(
      pairs.map(async ({ alg, publicKey }) => ({ ...(await exportJWK(publicKey)), alg, kid: alg })),
    )
    await writeFile(join(folder, 'jwks.json'), JSON.stringify({ keys }))
    const set = new KeySet(pathToFileURL(join(folder, 'jwks.json')))
    await set.read()
    return set
  } finally {
    await rm(folder, { recursive: true })
  }
}
