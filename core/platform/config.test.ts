import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { BadConfiguration, parseConfig, settings } from './config.ts'

const schema = z.object({ NODE_ENV: settings.NODE_ENV, RABBITMQ_URL: settings.RABBITMQ_URL, TOKEN_SECRET: settings.TOKEN_SECRET, PORT: settings.port(3000) })
const good = { RABBITMQ_URL: 'amqp://seckill:hvt8ABqz@localhost', TOKEN_SECRET: 'k3jH8sdf93kfjs83hf83kd93kfls93k2' }

function problemsOf(env: NodeJS.ProcessEnv): string {
  try {
    parseConfig(schema, env)
    return 'none'
  } catch (error) {
    if (error instanceof BadConfiguration) return error.message
    throw error
  }
}

test('defaults hold for what is absent or empty', () => {
  expect(parseConfig(schema, { ...good, PORT: '' })).toMatchObject({ PORT: 3000, NODE_ENV: 'development' })
})

test('every bad variable is listed at once, with what was expected', () => {
  const told = problemsOf({ RABBITMQ_URL: 'http://localhost', PORT: 'eighty' })
  expect(told).toMatch(/RABBITMQ_URL: /)
  expect(told).toMatch(/TOKEN_SECRET is missing: signs and verifies/)
  expect(told).toMatch(/PORT: /)
})

test('production refuses well-known credentials, naming them; development takes them', () => {
  const env = { ...good, RABBITMQ_URL: 'amqp://guest:guest@localhost', TOKEN_SECRET: 'x'.repeat(40) }
  expect(problemsOf(env)).toBe('none')
  const told = problemsOf({ ...env, NODE_ENV: 'production' })
  expect(told).toMatch(/RABBITMQ_URL holds a default credential/)
  expect(told).toMatch(/TOKEN_SECRET holds a default credential/)
})

describe('DATABASE_URL', () => {
  const told = (query: string) => {
    try {
      parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), { DATABASE_URL: `postgresql://shop:pass@localhost:5432/shop${query}` })
      return 'none'
    } catch (error) {
      if (error instanceof BadConfiguration) return error.message.split('\n')[1]?.trim()
      throw error
    }
  }

  test.each(['', '?schema=public', '?pgbouncer=true', '?sslmode=require&application_name=shop', '?options=-c%20work_mem%3D8MB', '?host=/var/run/postgresql', `?sslrootcert=${import.meta.filename}`])(
    'may end in "%s"', (query) => { expect(told(query)).toBe('none') })

  test.each<[string, RegExp]>([
    ['?schema=shop', /^- DATABASE_URL: \?schema=shop is not supported, expected public$/],
    ['?sslmode=prefer', /^- DATABASE_URL: \?sslmode=prefer is not supported, expected disable, require, verify-ca, verify-full, no-verify$/],
    ['?sslmode=require&sslrootcert=/nowhere.pem', /^- DATABASE_URL: \?sslrootcert=\/nowhere.pem is not supported, expected a file that can be read/],
    // What nothing would heed, or what would switch a limit off.
    ...['connection_limit', 'pool_timeout', 'connect_timeout', 'statement_timeout', 'query_timeout', 'target_session_attrs', 'ssl', 'toString'].map((name): [string, RegExp] =>
      [`?${name}=0`, new RegExp(`^- DATABASE_URL: \\?${name} is not supported, expected only host, .*; leave it out$`)]),
  ])('may not end in "%s"', (query, sentence) => { expect(told(query)).toMatch(sentence) })

  test('that is none is told of once', () => {
    expect(() => parseConfig(z.object({ DATABASE_URL: settings.DATABASE_URL }), { DATABASE_URL: 'shop' })).toThrow(/^The environment is not usable:\n {2}- DATABASE_URL: Invalid URL$/)
  })
})
