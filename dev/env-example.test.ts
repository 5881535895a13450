import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const EXAMPLE = join(import.meta.dirname, '../.env.example')
/** The command that .env.example tells people to run. */
const COMMAND = /^# +(\(umask .+\))$/m.exec(readFileSync(EXAMPLE, 'utf8'))?.[1] ?? ''

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-'))
  copyFileSync(EXAMPLE, join(folder, '.env.example'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const made = () => readFileSync(join(folder, '.env'), 'utf8')

test('the command at the top of .env.example makes a random secret of each, which only their owner can read', () => {
  execFileSync('sh', ['-c', COMMAND], { cwd: folder })
  const secrets = Object.entries(parseEnv(made())).filter(([name]) => /_(SECRET|TOKEN|PASSWORD)$/.test(name))
  expect(secrets.map(([name]) => name).sort()).toEqual([
    'ADMIN_TOKEN',
    'METRICS_TOKEN',
    'PAYMENT_SECRET',
    'POSTGRES_PASSWORD',
    'RABBITMQ_PASSWORD',
    'REDIS_PASSWORD',
    'TOKEN_SECRET',
  ])
  for (const [name, secret] of secrets) expect(secret, name).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(secrets.map(([, secret]) => secret)).size).toBe(secrets.length)
  expect((statSync(join(folder, '.env')).mode & 0o777).toString(8)).toBe('600')
})

test('run again, it leaves the secrets alone that the volumes of the servers were made with, and says so', () => {
  execFileSync('sh', ['-c', COMMAND], { cwd: folder })
  const before = made()
  const { status, stderr } = spawnSync('sh', ['-c', COMMAND], { cwd: folder, encoding: 'utf8' })
  expect(status).not.toBe(0)
  expect(stderr).toMatch(/\.env: (File exists|cannot overwrite existing file)/)
  expect(made()).toBe(before)
})
