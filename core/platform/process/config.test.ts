import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { schemas } from '../../../dev/schemas.ts'
import { BadConfiguration, milliseconds, parseConfig, seconds, settings } from './config.ts'

const schema = z.object({
  NODE_ENV: settings.NODE_ENV,
  RABBITMQ_URL: settings.RABBITMQ_URL,
  TOKEN_SECRET: settings.TOKEN_SECRET,
  PORT: settings.port(3000),
})
const good = { RABBITMQ_URL: 'amqp://seckill:hvt8ABqz@localhost', TOKEN_SECRET: 'k3jH8sdf93kfjs83hf83kd93kfls93k2' }

function problemsOf(env: NodeJS.ProcessEnv, of: z.ZodObject = schema): string {
  try {
    parseConfig(of, env)
    return 'none'
  } catch (error) {
    if (error instanceof BadConfiguration) return error.message
    throw error
  }
}

test('an absent or empty variable gets its default', () => {
  expect(parseConfig(schema, { ...good, PORT: '' })).toMatchObject({ PORT: 3000, NODE_ENV: 'development' })
})

test('every bad variable is listed at once, with what was expected', () => {
  const message = problemsOf({ RABBITMQ_URL: 'http://localhost', PORT: 'eighty' })
  expect(message).toMatch(/RABBITMQ_URL: /)
  expect(message).toMatch(/TOKEN_SECRET is missing: signs and verifies/)
  expect(message).toMatch(/PORT: /)
})

test('production refuses well-known credentials by name; development accepts them', () => {
  const env = { ...good, RABBITMQ_URL: 'amqp://guest:guest@localhost', TOKEN_SECRET: 'x'.repeat(40) }
  expect(problemsOf(env)).toBe('none')
  const message = problemsOf({ ...env, NODE_ENV: 'production' })
  expect(message).toMatch(/RABBITMQ_URL holds a default credential/)
  expect(message).toMatch(/TOKEN_SECRET holds a default credential/)
})

describe('RABBITMQ_URL', () => {
  const nodes = (...hosts: string[]) => hosts.map((host) => `amqp://shop:pa,ss@${host}`).join(',')
  const faultOf = (RABBITMQ_URL: string) => /RABBITMQ_URL: (.*)/.exec(problemsOf({ ...good, RABBITMQ_URL }))?.[1]

  test.each([
    nodes('a'),
    nodes('a', 'b:5673/shop', 'c/shop').replace('@a', '@a/shop'),
    nodes('a', 'b').replace(',amqp', ' , amqp'),
    nodes('a:5672,b:5673/shop'),
  ])('accepts %s', (list) => expect(faultOf(list)).toBeUndefined())

  test.each([
    ['amqp://shop:pa,ss@a:5672,b:port', 'Invalid URL (number 2 of 2)'],
    [nodes('a', 'b:port', 'c'), 'Invalid URL (number 2 of 3)'],
    [nodes('a/shop', 'b'), 'expected the same virtual host in the URL of every node'],
  ])('refuses %s, and does not quote the password', (list, fault) => {
    expect(faultOf(list)).toContain(fault)
    expect(faultOf(list)).not.toContain('pa,ss')
  })
})

describe('DATABASE_URL', () => {
  const problemOf = (query: string) => {
    try {
      parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), {
        DATABASE_URL: `postgresql://shop:pass@localhost:5432/shop${query}`,
      })
      return 'none'
    } catch (error) {
      if (error instanceof BadConfiguration) return error.message.split('\n')[1]?.trim()
      throw error
    }
  }

  test.each([
    '',
    '?schema=public',
    '?pgbouncer=true',
    '?sslmode=require&application_name=shop',
    '?options=-c%20work_mem%3D8MB',
    '?host=/var/run/postgresql',
    `?sslrootcert=${import.meta.filename}`,
  ])('may end in "%s"', (query) => {
    expect(problemOf(query)).toBe('none')
  })

  test.each<[string, RegExp]>([
    ['?schema=shop', /^- DATABASE_URL: \?schema=shop is not supported, expected public$/],
    [
      '?sslmode=prefer',
      /^- DATABASE_URL: \?sslmode=prefer is not supported, expected disable, require, .*, no-verify$/,
    ],
    [
      '?sslmode=require&sslrootcert=/nowhere.pem',
      /^- DATABASE_URL: \?sslrootcert=\/nowhere.pem is not supported, expected a file that can be read/,
    ],
    [
      '?target_session_attrs=any',
      /^- DATABASE_URL: \?target_session_attrs=any is not supported, expected read-write, primary$/,
    ],
    // Parameters that nothing reads, or that would switch a limit off.
    ...[
      'connection_limit',
      'pool_timeout',
      'connect_timeout',
      'statement_timeout',
      'query_timeout',
      'ssl',
      'toString',
    ].map((name): [string, RegExp] => [
      `?${name}=0`,
      new RegExp(`^- DATABASE_URL: \\?${name} is not supported, expected only host, .*; leave it out$`),
    ]),
  ])('may not end in "%s"', (query, sentence) => {
    expect(problemOf(query)).toMatch(sentence)
  })

  test('may list the hosts of a primary and its standbys', () => {
    const faultOf = (hosts: string, end = '') =>
      /DATABASE_URL: (.*)/.exec(
        problemsOf(
          { DATABASE_URL: `postgresql://shop:pass@${hosts}/shop${end}` },
          z.object({ DATABASE_URL: settings.DATABASE_URL }),
        ),
      )?.[1]
    expect(faultOf('a:5432,b:5433')).toBeUndefined()
    expect(faultOf('a,b,[::1]:5432', '?target_session_attrs=primary&sslmode=require')).toBeUndefined()
    expect(faultOf('a,b:port')).toBe('Invalid URL')
    expect(faultOf('a,b', '?connection_limit=3')).toContain('?connection_limit is not supported')
  })

  test('that is no URL is reported once', () => {
    expect(() => parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), { DATABASE_URL: 'shop' })).toThrow(
      /^The environment is not usable:\n {2}- DATABASE_URL: Invalid URL$/,
    )
  })
})

/** Every numeric setting of every service. */
const numbers = Object.entries(schemas).flatMap(([service, { shape }]) =>
  Object.entries<z.ZodType>(shape).flatMap(([name, field]) => {
    const isNumber = ['1', '100', '1000'].some((text) => typeof field.safeParse(text).data === 'number')
    return isNumber ? [{ service, name, field }] : []
  }),
)

test('every numeric setting refuses text and numbers out of bounds, naming the bounds', () => {
  expect(numbers.length).toBeGreaterThan(40)
  for (const { service, name, field } of numbers) {
    for (const value of [
      '9999999999999999',
      '1e15',
      '1e309',
      'Infinity',
      '-Infinity',
      'NaN',
      '-1',
      '-0.5',
      '  ',
      '0x10',
      '1,000',
      'ten',
      '1e999',
    ]) {
      expect(field.safeParse(value).error?.issues[0]?.message, `${service}: ${name}=${value}`).toMatch(
        /^expected (auto or )?a (whole )?number from [\d.]+ to \d+/,
      )
    }
    // In .env files an absent value is written as an empty one.
    expect(problemsOf({ [name]: '' }, z.object({ [name]: field.optional() })), name).toBe('none')
  }
})

test('no setting allows a duration that overflows a timer', () => {
  for (const { name, field } of numbers.filter((each) => /_(SECONDS|MS)$/.test(each.name))) {
    const [, most] = / to (\d+),/.exec(field.safeParse('1e15').error?.issues[0]?.message ?? '') ?? []
    expect(Number(most) * (name.endsWith('_MS') ? 1 : 1_000), name).toBeLessThan(2 ** 31)
  }
  expect(() => seconds(1, [0, 2_147_484])).toThrow('A timer cannot wait 2147484 s')
  expect(() => milliseconds(1, [0, 2 ** 31])).toThrow('A timer cannot wait')
})

test('a duration that would overflow a timer is refused at the start, by name', () => {
  expect(problemsOf({ SWEEP_INTERVAL_SECONDS: '9999999' }, schemas['cancel-worker'])).toContain(
    '  - SWEEP_INTERVAL_SECONDS: expected a number from 0.05 to 3600, got "9999999"',
  )
})
