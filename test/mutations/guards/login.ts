import type { Guard } from '../guard.ts'

const KEY_SET = 'core/platform/http/key-set.ts'
const KEY_SET_TEST = 'core/platform/http/key-set.test.ts'
const CLAIMS = 'core/platform/http/token-claims.ts'
const TOKENS = 'core/platform/http/tokens.ts'
const LOGIN = 'core/platform/http/outside-login.ts'
const LOGIN_TEST = 'core/platform/http/outside-login.test.ts'

/** Who counts as a buyer. */
export const loginGuards: Guard[] = [
  {
    rule: 'a token of an outside login is valid by the algorithms of LOGIN_ALGORITHMS only',
    file: LOGIN,
    text: 'algorithms.find((allowed) => allowed === header.alg)',
    without: 'ASYMMETRIC.find((allowed) => allowed === header.alg) ?? algorithms[0]',
    tests: { file: LOGIN_TEST, named: 'a token is not valid that is by an algorithm' },
  },
  {
    rule: 'a token of an outside login names its issuer',
    file: CLAIMS,
    text: 'issuer === undefined || iss === issuer',
    without: 'issuer === undefined || iss !== null',
    tests: { file: LOGIN_TEST, named: 'a signed token is refused with what is wrong with iss' },
  },
  {
    rule: 'a token for another audience is refused',
    file: CLAIMS,
    text: 'return isOurs ?',
    without: 'return isOurs || aud ?',
    tests: { file: LOGIN_TEST, named: 'a signed token is refused with what is wrong with aud' },
  },
  {
    rule: 'a token that is over is refused',
    file: CLAIMS,
    text: "  if (exp * 1_000 <= nowMs) return 'exp is over: sign in again.'\n",
    without: '',
    tests: { file: LOGIN_TEST, named: 'a signed token is refused with what is wrong with exp' },
  },
  {
    rule: 'a token is refused before its nbf',
    file: CLAIMS,
    text: "    startFault('nbf', claims, rules, nowMs) ??\n",
    without: '',
    tests: { file: LOGIN_TEST, named: 'a signed token is refused with what is wrong with nbf' },
  },
  {
    rule: 'a token that lives for too long is refused, also on its last day',
    file: CLAIMS,
    text: "typeof iat === 'number' ? iat * 1_000 : nowMs + rules.clockSkewMs",
    without: 'nowMs + rules.clockSkewMs',
    tests: { file: LOGIN_TEST, named: 'a signed token is refused with what is wrong with exp' },
  },
  {
    rule: 'a buyer whom their login calls blocked cannot buy',
    file: 'gateway/buy.ts',
    text: "  if (verified.buyer.isBlocked) return { status: 'BLACKLISTED' }\n",
    without: '',
    tests: { file: 'test/hostile/outside-login.test.ts', named: 'a buyer whom the login calls blocked' },
  },
  {
    rule: 'a remembered token is valid until it ends',
    file: TOKENS,
    text: 'known === undefined || known.endsAtMs <= Date.now()',
    without: 'known === undefined',
    tests: { file: LOGIN_TEST, named: 'a verified token is remembered until it ends' },
  },
  {
    rule: 'a remembered token is valid until its key is taken out of the set',
    file: TOKENS,
    text: 'known.keys === undefined || known.keys === login?.keySet.version ? known.verified : undefined',
    without: 'known.verified',
    tests: { file: LOGIN_TEST, named: 'a verified token is remembered until its key' },
  },
  {
    rule: 'the address of a key set is not left by a redirect',
    file: KEY_SET,
    text: "redirect: 'manual'",
    without: "redirect: 'follow'",
    tests: {
      file: KEY_SET_TEST,
      named: 'the last good set stays, and readiness says why, when the key server redirects',
    },
  },
  {
    rule: 'a huge key set is not read',
    file: KEY_SET,
    text: '      if (text.length > BYTES_MAX) throw',
    without: '      if (text.length < 0) throw',
    tests: {
      file: KEY_SET_TEST,
      named: 'the last good set stays, and readiness says why, when the key server sends a huge',
    },
  },
  {
    rule: 'a key server that hangs is waited for 3 s',
    file: KEY_SET,
    text: 'const READ_MS_MAX = 3_000',
    without: 'const READ_MS_MAX = 5_000',
    tests: { file: KEY_SET_TEST, named: 'the last good set stays, and readiness says why, when the key server never' },
  },
  {
    rule: 'an empty key set does not sign every buyer out',
    file: KEY_SET,
    text: "  if (set.keys.length === 0) throw new Error('it has no keys')\n",
    without: '',
    tests: {
      file: KEY_SET_TEST,
      named: 'the last good set stays, and readiness says why, when the key server sends an empty',
    },
  },
  {
    rule: 'a service without any key set is not ready',
    file: KEY_SET,
    text: "{ code: 'LOGIN_KEYS_MISSING', detail: `${detail}; until then its tokens are refused.` }",
    without: 'true',
    tests: { file: KEY_SET_TEST, named: 'before a first set' },
  },
  {
    rule: 'tokens with foreign kids do not have the key set read once each',
    file: KEY_SET,
    text: '    if (!this.#reading && performance.now() - this.#triedAtMs < this.#cooldownMs) return false\n',
    without: '',
    tests: { file: KEY_SET_TEST, named: 'unknown kids' },
  },
  {
    rule: 'requests share one reading of the key set',
    file: KEY_SET,
    text: 'this.#reading ??= this.#read()',
    without: 'this.#reading = this.#read()',
    tests: { file: KEY_SET_TEST, named: 'tokens that meet an unknown kid at the same time' },
  },
  {
    rule: "a buyer's id is no name of an address's token bucket",
    file: 'core/stock/stock.ts',
    text: '`\\t${request.address}`',
    without: '` ${request.address}`',
    tests: { file: 'core/stock/stock.test.ts', named: 'reserving a buyer named as an address' },
  },
]
