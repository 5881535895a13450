import { parseUrl } from '../http/http-url.ts'
import { brokersOf } from '../rabbit/broker-list.ts'
import { loginUrlsOf } from '../stores/redis-url.ts'
import { databaseHosts } from '../stores/database-url.ts'

/** Words of example secrets, with six letters or more: random secrets contain four-letter words by chance. */
const EXAMPLE_WORD = /change-?_?me|secret|passw|example|default|develop|insecure|replace-?_?me|seckill/i
/** The same piece repeated, as in "aaaa" and "abcabcabc". */
const REPEATED_PIECE = /^(.{1,16}?)\1+.{0,15}$/
/** 32 random hex digits contain about 14 different ones; fewer than 8 practically never occur. */
const DIFFERENT_CHARACTERS_MIN = 8
const PASSWORD_LENGTH_MIN = 8
const WELL_KNOWN_PASSWORDS = new Set([
  'postgres',
  'postgresql',
  'rabbitmq',
  'rootroot',
  'adminadmin',
  'guestguest',
  '12345678',
  '123456789',
  'qwertyui',
])

/**
 * What must not run in production, one sentence per variable: default credentials, guessable secrets, demo settings.
 * @param names of the variables that the service reads
 */
export function productionFaults(names: string[], env: NodeJS.ProcessEnv): string[] {
  const values = Object.fromEntries(
    names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  ) as Record<string, string>
  const problems = Object.entries(values).flatMap(([name, value]) => {
    const fault = faultOf(name, value)
    return fault ? [`${name} ${fault}`] : []
  })
  return [...problems, ...demoPayments(names, values), ...sharedSecrets(values)]
}

const isTrue = (value: string | undefined) => /^(true|1|yes|on|y|enabled)$/i.test(value ?? '')

/** Only services that may have payments without money read ALLOW_DEMO_PAYMENTS. */
function demoPayments(names: string[], values: Record<string, string>): string[] {
  if (!names.includes('ALLOW_DEMO_PAYMENTS') || isTrue(values.ALLOW_DEMO_PAYMENTS)) return []
  if ((values.PAYMENT_PROVIDER ?? 'demo') === 'demo')
    return [
      "ALLOW_DEMO_PAYMENTS is not true, and the demo's payment provider moves no money; " +
        'production needs another one (PAYMENT_PROVIDER, see docs/forking.md), ' +
        'or ALLOW_DEMO_PAYMENTS=true for a trial',
    ]
  return /_test_/.test(values.PAYMENT_API_KEY ?? '')
    ? ['PAYMENT_API_KEY is a test key, which moves no money; production needs a live one']
    : []
}

function faultOf(name: string, value: string): string | undefined {
  if (name === 'DEMO_MODE' && isTrue(value)) return 'allows sign-in by name; production needs DEMO_MODE=false'
  if (name === 'LOGIN_JWKS') return keySetFault(value)
  if (isSecret(name))
    return isGuessable(value) ? 'holds a default credential; production needs a random one of its own' : undefined
  return SERVER_URLS[name]?.(value).map(passwordFault).find(Boolean)
}

/** Of each server that a variable names, the URL with its password. */
const SERVER_URLS: Record<string, (value: string) => string[]> = {
  DATABASE_URL: databaseHosts,
  REDIS_URL: loginUrlsOf,
  RABBITMQ_URL: brokersOf,
}

const isSecret = (name: string) => /_(SECRET|TOKEN)$/.test(name)

function isGuessable(secret: string): boolean {
  return EXAMPLE_WORD.test(secret) || REPEATED_PIECE.test(secret) || new Set(secret).size < DIFFERENT_CHARACTERS_MIN
}

/** Who can answer in the login's place can sign in as every buyer. */
function keySetFault(address: string): string | undefined {
  return /^http:/i.test(address) && !/^http:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/]|$)/i.test(address)
    ? 'is read without TLS; production needs https: or file:'
    : undefined
}

/** A missing password is a default, too: RabbitMQ's client then logs in as guest, and Redis admits every client. */
function passwordFault(url: string): string | undefined {
  const parsed = parseUrl(url)
  if (!parsed) return undefined // Reported as malformed by the schema.
  const { username, password } = parsed
  if (password === '') return 'names no password; production needs one'
  const isDefault =
    password === username ||
    password.length < PASSWORD_LENGTH_MIN ||
    WELL_KNOWN_PASSWORDS.has(password.toLowerCase()) ||
    EXAMPLE_WORD.test(password)
  return isDefault ? 'holds a default credential; production needs one of its own' : undefined
}

/** A secret that serves two purposes gives its holders the rights of both. */
function sharedSecrets(values: Record<string, string>): string[] {
  const secrets = Object.entries(values).filter(([name]) => isSecret(name))
  return secrets.flatMap(([name, value], i) =>
    secrets
      .slice(i + 1)
      .filter(([, other]) => other === value)
      .map(([other]) => `${name} and ${other} are the same; production needs one for each`),
  )
}
