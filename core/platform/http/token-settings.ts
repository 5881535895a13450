import { z } from 'zod'
import { ASYMMETRIC } from './outside-login.ts'
import { REMEMBERED_MAX } from './tokens.ts'
import { bounded, count, seconds, settings } from '../process/config.ts'

const claimName = (byDefault: string) => z.string().min(1).max(255).default(byDefault)

/** Settings of the services that verify the buyers' tokens. */
export const tokenSettings = {
  TOKEN_SECRET: settings.TOKEN_SECRET,
  TOKEN_LIFETIME_HOURS_MAX: bounded([0.01, 8_760], { isWhole: false })
    .default(24)
    .describe(
      'longest lifetime of a token, from its iat to its exp; there is no revocation, so longer ones are refused',
    ),
  TOKEN_CLOCK_SKEW_SECONDS: seconds(900, [0, 3_600]).describe(
    "how far the clock that signed a token may differ from this service's",
  ),
  TOKENS_REMEMBERED_MAX: count(REMEMBERED_MAX, [0, 1_000_000]).describe(
    'verified tokens that one process remembers, so that they are not verified again; 0 for none',
  ),
  LOGIN_JWKS: z
    .url({ protocol: /^(https?|file)$/, error: 'expected an https:, http: or file: URL' })
    .transform((text) => new URL(text))
    .refine(({ username, password }) => !username && !password, 'expected no user name or password in it')
    .optional()
    .describe(
      'key set (JWKS) of an outside login, such as https://login.example/jwks or file:///etc/seckill/jwks.json; ' +
        'without one only tokens under TOKEN_SECRET are valid',
    ),
  LOGIN_ISSUER: z.string().min(1).optional().describe('iss of the tokens of the outside login; needed with LOGIN_JWKS'),
  LOGIN_AUDIENCE: z.string().min(1).default('seckill').describe('aud of the tokens of the outside login'),
  LOGIN_ALGORITHMS: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(ASYMMETRIC), 'expected some of RS256, ES256 and EdDSA, separated by commas'))
    .default([...ASYMMETRIC])
    .describe('algorithms that the outside login may sign with, separated by commas'),
  LOGIN_TIER_CLAIM: claimName('tier').describe(
    "claim of the outside login that is the buyer's tier, for the limit per buyer",
  ),
  LOGIN_BLOCKED_CLAIM: claimName('blocked').describe(
    'claim of the outside login that keeps a buyer from buying when it is true',
  ),
  LOGIN_REGISTERED_CLAIM: claimName('registered_at').describe(
    'claim of the outside login that says when the account was made, in seconds since 1970; for the risk of a ticket',
  ),
  LOGIN_REFRESH_SECONDS: seconds(60, [1, 3_600]).describe(
    'how often the key set is read again: a key that was taken out of it is valid for as long at most',
  ),
}

export type TokenConfig = z.output<z.ZodObject<typeof tokenSettings>>

/** For `refine` of a schema with these settings. */
export const isIssuerGiven = ({ LOGIN_JWKS, LOGIN_ISSUER }: Pick<TokenConfig, 'LOGIN_JWKS' | 'LOGIN_ISSUER'>) =>
  LOGIN_JWKS === undefined || LOGIN_ISSUER !== undefined

export const ISSUER_MISSING = { path: ['LOGIN_ISSUER'], message: 'expected the iss of the login of LOGIN_JWKS' }
