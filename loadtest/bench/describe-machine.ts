import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type as osType } from 'node:os'
import { connect } from 'amqplib'
import { Redis } from 'ioredis'
import { Pool } from 'pg'
import type { BenchRun } from './results.ts'

const require = createRequire(import.meta.url)

export function describeMachine(): BenchRun['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${osType()} ${release()}`,
  }
}

/** The commit that was measured, with a mark when the checkout differs from it. */
export function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short=10', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' and changes')
  } catch {
    return 'unknown'
  }
}

/** Asked of the servers themselves. */
export async function versions(env: Record<string, string>): Promise<Record<string, string>> {
  const { version: express } = require('express/package.json') as { version: string }
  const [postgres, redis, rabbitmq] = await Promise.all([
    postgresVersion(env.DATABASE_URL ?? ''),
    redisVersion(env.REDIS_URL ?? ''),
    rabbitmqVersion(env.RABBITMQ_URL ?? ''),
  ])
  return { node: process.versions.node, express, postgres, redis, rabbitmq }
}

async function postgresVersion(url: string): Promise<string> {
  const pool = new Pool({ connectionString: url, max: 1 })
  const { rows } = await pool.query<{ server_version: string }>('SHOW server_version')
  await pool.end()
  return rows[0]?.server_version ?? 'unknown'
}

async function redisVersion(url: string): Promise<string> {
  const redis = new Redis(url)
  const info = await redis.info('server')
  redis.disconnect()
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'
}

async function rabbitmqVersion(url: string): Promise<string> {
  const connection = await connect(url)
  const { version } = connection.connection.serverProperties as { version?: unknown }
  await connection.close()
  return typeof version === 'string' ? version : 'unknown'
}
