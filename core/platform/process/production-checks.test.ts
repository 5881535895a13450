import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { schemas } from '../../../dev/schemas.ts'
import { BadConfiguration, parseConfig } from './config.ts'

const random = () => randomBytes(24).toString('hex')

/** An environment in which every service would start in production. */
const safe = (): Record<string, string> => ({
  NODE_ENV: 'production',
  TOKEN_SECRET: random(),
  PAYMENT_SECRET: random(),
  ADMIN_TOKEN: random(),
  DATABASE_URL: `postgresql://seckill:${random()}@postgres/seckill`,
  REDIS_URL: `redis://:${random()}@redis:6379`,
  RABBITMQ_URL: `amqp://seckill:${random()}@rabbitmq`,
  ALLOW_DEMO_PAYMENTS: 'true',
  ORDER_SERVICE_URL: 'http://order-service:3002',
  PAYMENT_PROVIDER_URL: 'http://payment-provider:3004',
  PUBLIC_URL: 'http://gateway:3000',
})

/** The distinct messages of all services; services that read the same variable must print the same. */
function messagesOf(env: NodeJS.ProcessEnv): string[] {
  return [
    ...new Set(
      Object.values(schemas)
        .map((schema) => messageOf(schema, env))
        .filter((message) => message !== ''),
    ),
  ]
}

/** Empty when the service starts. */
function messageOf(schema: (typeof schemas)[keyof typeof schemas], env: NodeJS.ProcessEnv): string {
  try {
    parseConfig(schema, env)
    return ''
  } catch (error) {
    if (!(error instanceof BadConfiguration)) throw error
    return error.message
  }
}

test('with secrets of its own every service starts in production', () => {
  expect(messagesOf(safe())).toEqual([])
})

test('an order service with a live key of Stripe needs no ALLOW_DEMO_PAYMENTS, one with a test key does', () => {
  const start = (PAYMENT_API_KEY: string) =>
    messageOf(schemas['order-service'], {
      ...safe(),
      ALLOW_DEMO_PAYMENTS: 'false',
      PAYMENT_PROVIDER: 'stripe',
      PAYMENT_API_KEY,
    })
  expect(start('sk_live_51N8rT2')).toBe('')
  expect(start('sk_test_51N8rT2')).toContain('PAYMENT_API_KEY is a test key')
})

test.each<[name: string, value: string]>([
  ['TOKEN_SECRET', 'x'.repeat(40)],
  ['TOKEN_SECRET', 'abc'.repeat(12)],
  ['TOKEN_SECRET', 'change-me-change-me-change-me-123456'],
  ['TOKEN_SECRET', 'my-very-own-secret-for-signing-tokens'],
  ['PAYMENT_SECRET', '0123456789abcdef0123456789abcdef'],
  ['PAYMENT_SECRET', 'replace_me_with_something_random_0123'],
  ['PAYMENT_SECRET', '00000000000000000000000000000001'],
  ['ADMIN_TOKEN', 'this-is-an-example-token-of-an-admin'],
  ['ADMIN_TOKEN', 'development-token-0123456789-abcdefg'],
  ['ADMIN_TOKEN', 'Password1Password1Password1Password1!'],
  ['RABBITMQ_URL', 'amqp://guest:guest@rabbitmq'],
  ['RABBITMQ_URL', 'amqp://rabbitmq'],
  ['RABBITMQ_URL', 'amqp://seckill@rabbitmq'],
  ['RABBITMQ_URL', 'amqp://seckill:hvt8ABqzK2mX@rabbitmq-1,amqp://guest:guest@rabbitmq-2'],
  ['REDIS_URL', 'redis://redis:6379'],
  ['REDIS_URL', 'redis://:12345678@redis'],
  ['REDIS_URL', 'redis://:short@redis'],
  ['REDIS_URL', 'redis://redis-1:6379,redis-2:6379'],
  ['REDIS_URL', 'redis+sentinel://:hvt8ABqzK2mX@sentinel-1,sentinel-2/shop'],
  ['REDIS_URL', 'redis+sentinel://sentinel-1/shop?sentinelPassword=hvt8ABqzK2mX'],
  ['DATABASE_URL', 'postgresql://postgres:postgres@postgres/seckill'],
  ['DATABASE_URL', 'postgresql://seckill@postgres/seckill'],
  ['DATABASE_URL', 'postgresql://seckill:seckill@postgres/seckill'],
  ['DATABASE_URL', 'postgresql://seckill:changeme2026@postgres/seckill'],
  ['DEMO_MODE', 'true'],
  ['DEMO_MODE', '1'],
])('production refuses %s=%s by name; development starts', (name, value) => {
  const env = { ...safe(), [name]: value }
  const [message, ...others] = messagesOf(env)
  expect(message).toMatch(new RegExp(`^  - ${name} `, 'm'))
  expect(message?.match(/^ {2}- /gm)).toHaveLength(1)
  expect(others).toEqual([])
  expect(message).not.toContain(value.length > 8 ? value : 'never there')
  expect(messagesOf({ ...env, NODE_ENV: 'development' })).toEqual([])
})

test.each([undefined, '', 'false'])(
  'production refuses the demo payment provider unless it is allowed: ALLOW_DEMO_PAYMENTS=%s',
  (value) => {
    const env = { ...safe(), ALLOW_DEMO_PAYMENTS: value }
    const refused = Object.entries(schemas).flatMap(([name, schema]) =>
      messageOf(schema, env).includes('  - ALLOW_DEMO_PAYMENTS is not true') ? [name] : [],
    )
    expect(refused).toEqual(['order-service', 'payment-provider'])
    expect(messagesOf({ ...env, NODE_ENV: 'development' })).toEqual([])
  },
)

test('all refused variables are named at once', () => {
  const [message = ''] = messagesOf({
    ...safe(),
    TOKEN_SECRET: 'x'.repeat(40),
    PAYMENT_SECRET: 'y'.repeat(40),
    RABBITMQ_URL: 'amqp://guest:guest@rabbitmq',
    REDIS_URL: 'redis://redis',
    DATABASE_URL: 'postgresql://postgres',
  }).toSorted((a, b) => b.length - a.length)
  for (const name of ['TOKEN_SECRET', 'PAYMENT_SECRET', 'RABBITMQ_URL', 'REDIS_URL', 'DATABASE_URL'])
    expect(message).toContain(`- ${name} `)
})

test('one secret for two purposes is refused', () => {
  const secret = random()
  expect(messagesOf({ ...safe(), TOKEN_SECRET: secret, PAYMENT_SECRET: secret })).toEqual([
    expect.stringContaining('TOKEN_SECRET and PAYMENT_SECRET are the same'),
  ])
})

test.each(['prod', 'Production', 'PRODUCTION', 'staging', 'production '])(
  'NODE_ENV=%s, which would switch the production checks off, is refused',
  (value) => {
    expect(messagesOf({ ...safe(), NODE_ENV: value })).toEqual([expect.stringContaining('NODE_ENV: ')])
  },
)

test('a random secret is never taken for a default one', () => {
  for (let i = 0; i < 2_000; i++) {
    const env = {
      ...safe(),
      TOKEN_SECRET: randomBytes(16).toString('hex'),
      PAYMENT_SECRET: randomBytes(32).toString('base64url'),
    }
    expect(messagesOf(env)).toEqual([])
  }
})
