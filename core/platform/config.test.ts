import { expect, test } from 'vitest'
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
