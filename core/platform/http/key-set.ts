import { readFile } from 'node:fs/promises'
import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWSHeaderParameters } from 'jose'
import type { CheckResult } from '../process/readiness.ts'

const READ_MS_MAX = 3_000
/** Real ones have 1 to 30 KB. */
const BYTES_MAX = 256 * 1_024
/** Tokens with an unknown `kid` have the set read again at most this often: anyone can send them. */
const COOLDOWN_MS = 10_000

/** Another one whenever the keys change. */
export type KeySetVersion = ReturnType<typeof createLocalJWKSet>

/**
 * The public keys of an outside login, found by a token's `kid`. While the set cannot be read, the last good one stays.
 * Not jose's createRemoteJWKSet: that reads no file and sets no limit on the size, and while reading fails each token
 * with an unknown `kid` makes it ask again.
 */
export class KeySet {
  readonly #address: URL
  readonly #cooldownMs: number
  #keys: KeySetVersion | undefined
  #text = ''
  #fault: string | undefined = 'it was not read yet'
  #reading: Promise<void> | undefined
  /** By the monotonic clock, as is the next. */
  #triedAtMs = -Infinity
  #readAtMs = performance.now()

  constructor(address: URL, { cooldownMs = COOLDOWN_MS } = {}) {
    this.#address = address
    this.#cooldownMs = cooldownMs
  }

  /** Undefined before the set was read for the first time. */
  get version(): KeySetVersion | undefined {
    return this.#keys
  }

  /** Since the set was last read, or since the start. */
  get ageSeconds(): number {
    return (performance.now() - this.#readAtMs) / 1_000
  }

  /** Reads the set; calls that overlap share one reading. @throws Error that says why it cannot be read */
  read(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** The key that a token's header names by `kid` and `alg`. @throws when the set has no such key */
  async find(header: JWSHeaderParameters): Promise<{ key: CryptoKey; version: KeySetVersion }> {
    try {
      return await keyIn(this.#keys, header)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !(await this.#readAgain())) throw error
      return await keyIn(this.#keys, header)
    }
  }

  /** For /readyz, which is public: no address. */
  check(): CheckResult {
    if (this.#fault === undefined) return true
    const detail = `The key set of LOGIN_JWKS cannot be read: ${this.#fault}. Correct the address, or mend the login`
    return this.#keys
      ? { code: 'LOGIN_KEYS_OLD', detail: `${detail}; the last good one stays in use.`, staysReady: true }
      : { code: 'LOGIN_KEYS_MISSING', detail: `${detail}; until then its tokens are refused.` }
  }

  /** @returns whether it was read, which it is not when that was tried a moment ago */
  async #readAgain(): Promise<boolean> {
    if (!this.#reading && performance.now() - this.#triedAtMs < this.#cooldownMs) return false
    return this.read().then(
      () => true,
      () => false, // /readyz and the log say why.
    )
  }

  async #read(): Promise<void> {
    this.#triedAtMs = performance.now()
    try {
      const text = await (this.#address.protocol === 'file:' ? readFile(this.#address, 'utf8') : this.#fetch())
      if (text !== this.#text) this.#keys = keysOf(text)
      this.#text = text
      this.#fault = undefined
      this.#readAtMs = performance.now()
    } catch (error) {
      this.#fault = reasonOf(error)
      throw new Error(`The key set of LOGIN_JWKS cannot be read: ${this.#fault}`, { cause: error })
    }
  }

  /** Follows no redirect: each could lead on to the next, or out of TLS. */
  async #fetch(): Promise<string> {
    const signal = AbortSignal.timeout(READ_MS_MAX)
    const response = await fetch(this.#address, {
      redirect: 'manual',
      signal,
      headers: { accept: 'application/json, application/jwk-set+json' },
    })
    const { status, body } = response
    if (status !== 200 || !body) {
      await body?.cancel()
      throw new Error(status >= 300 && status < 400 ? 'it redirects: name its last address' : `it answers ${status}`)
    }
    const decoder = new TextDecoder()
    let text = ''
    for await (const piece of body) {
      text += decoder.decode(piece, { stream: true })
      if (text.length > BYTES_MAX) throw new Error(`it is larger than ${BYTES_MAX / 1_024} KB`)
    }
    return text + decoder.decode()
  }
}

async function keyIn(version: KeySetVersion | undefined, header: JWSHeaderParameters) {
  if (!version) throw new errors.JWKSNoMatchingKey()
  return { key: await version(header), version }
}

/** A set without keys is a fault, too: it would sign every buyer out. */
function keysOf(text: string): KeySetVersion {
  const set = JSON.parse(text) as JSONWebKeySet
  const keys = createLocalJWKSet(set)
  if (set.keys.length === 0) throw new Error('it has no keys')
  return keys
}

/** Without addresses and contents: /readyz shows it. */
function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError || error instanceof errors.JWKSInvalid) return 'it is no JSON Web Key Set'
  if (!(error instanceof Error)) return 'no answer'
  if (error.name === 'TimeoutError') return `no answer within ${READ_MS_MAX / 1_000} s`
  const { code } = (error.cause ?? error) as { code?: unknown }
  return typeof code === 'string' ? code : error.message
}
