import { Cluster, type Redis } from 'ioredis'
import { BadConfiguration } from '../process/config.ts'
import type { Logger } from '../process/log.ts'
import type { CheckResult, Problem } from '../process/readiness.ts'
import { type RedisClient, serversOf } from './redis.ts'

/** A call that a service makes to Redis, and the `ACL SETUSER` rule that allows it. */
export interface Right {
  call: readonly string[]
  rule: string
}

/** Minimum interval between two checks, because /readyz is public. */
const INTERVAL_MS = 1_000

/**
 * Checks rights without executing the calls, and needs only the right to run scripts (ACL DRYRUN needs a right of its
 * own). pcall, because an unknown command (it may have been renamed) raises an error.
 */
const MISSING_RIGHTS = `
  if not redis.acl_check_cmd then return { -1 } end
  local missing = {}
  for i, call in ipairs(cjson.decode(ARGV[1])) do
    local is_known, is_allowed = pcall(redis.acl_check_cmd, unpack(call))
    if not (is_known and is_allowed) then missing[#missing + 1] = i end
  end
  return missing`

/** For /readyz: whether Redis answers, grants the rights that the service needs, and does not evict keys. */
export function redisCheck(redis: RedisClient, rights: Right[]): () => Promise<CheckResult> {
  let askedAtMs = -Infinity
  let result: Promise<CheckResult>
  let lastError = ''
  const onError = ({ message }: Error) => {
    lastError = message
  }
  redis.on('error', onError)
  redis.on('node error', onError)
  return () => {
    if (performance.now() - askedAtMs < INTERVAL_MS) return result
    askedAtMs = performance.now()
    result = redis.status === 'ready' ? check(redis, rights) : Promise.resolve(away(lastError))
    return result
  }
}

function away(lastError: string): CheckResult {
  if (!/^(WRONGPASS|NOAUTH)\b/.test(lastError)) return false
  return {
    code: 'REDIS_REFUSES_LOGIN',
    detail: `Redis does not accept the user or password of REDIS_URL: ${lastError}. Correct one or the other.`,
  }
}

async function check(redis: RedisClient, rights: Right[]): Promise<CheckResult> {
  const problems = await Promise.all(
    serversOf(redis).map(async (server) => {
      const missing = await missingRights(server, rights)
      if (missing) return missing
      const info = await server.info('server', 'memory')
      return oneOfCluster(redis, info) ?? evicting(info)
    }),
  )
  return problems.find((problem) => problem !== undefined) ?? true
}

async function missingRights(redis: Redis, rights: Right[]): Promise<Problem | undefined> {
  const { db } = redis.options
  const needed = db ? [...rights, { call: ['SELECT', String(db)], rule: '+select' }] : rights
  const missing = await askForMissing(redis, needed)
  if (missing.length === 0) return undefined
  const [first] = missing
  if (first === -1) {
    return { code: 'REDIS_TOO_OLD', detail: 'REDIS_URL names a Redis before 7.0; use 7.0 or newer, or Valkey.' }
  }
  const refused = missing.flatMap((number) => needed[number - 1] ?? [])
  const calls = new Set(refused.map(({ call: [command, on = ''] }) => `${command} ${on}`.trim()))
  const rules = new Set(refused.flatMap(({ rule }) => rule.split(' ')))
  return {
    code: 'MISSING_RIGHT',
    detail:
      `Redis does not allow the user of REDIS_URL: ${[...calls].join(', ')}. ` +
      `Add with ACL SETUSER: ${[...rules].join(' ')}`,
  }
}

/** @returns the 1-based positions of the missing rights; -1 when the server cannot check rights */
async function askForMissing(redis: Redis, rights: Right[]): Promise<number[]> {
  try {
    return (await redis.eval(MISSING_RIGHTS, 0, JSON.stringify(rights.map(({ call }) => call)))) as number[]
  } catch (error) {
    // Without the right to run scripts only that one can be reported; the others are unknown.
    if (!(error instanceof Error && error.message.startsWith('NOPERM'))) throw error
    return rights.flatMap(({ call: [command] }, i) => (command === 'EVAL' ? [i + 1] : []))
  }
}

/**
 * A Redis that evicts keys loses reservations, and with them who has bought. Only the policy is checked, not the memory
 * limit: a limit may be set at any time, and some clouds have one that INFO does not show.
 */
function evicting(memory: string): Problem | undefined {
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1]
  if (policy === undefined || policy === 'noeviction') return undefined
  return {
    code: 'REDIS_EVICTS',
    detail: `Redis may drop reservations when its memory is full: maxmemory-policy is ${policy}. Set it to noeviction.`,
  }
}

/** One node answers MOVED for the sales of the others, and would seem to work where it has all of a sale's keys. */
function oneOfCluster(redis: RedisClient, info: string): Problem | undefined {
  if (redis instanceof Cluster || !/^redis_mode:cluster/m.test(info)) return undefined
  return {
    code: 'REDIS_IS_CLUSTER',
    detail:
      'REDIS_URL names one node of a Redis Cluster, which has a part of the sales: name several of its nodes, ' +
      'as in redis://host:6379,host2:6379,host3:6379.',
  }
}

function notPersisted(info: string): Problem | undefined {
  if (!/^aof_enabled:0/m.test(info)) return undefined
  return {
    code: 'REDIS_NOT_PERSISTED',
    detail:
      'Redis keeps no append-only file: a crash loses the reservations that are not orders yet. ' +
      'Set appendonly to yes and appendfsync to always.',
  }
}

/** What of INFO lets Redis lose reservations. */
export function lossy(info: string): Problem[] {
  return [notPersisted(info), evicting(info)].filter((problem) => problem !== undefined)
}

/**
 * Checks persistence and eviction once at the start, and logs what is wrong. Reads INFO, because clouds forbid CONFIG.
 * @throws BadConfiguration for one node of a cluster, and in production when Redis evicts keys
 */
export async function refuseUnfitRedis(redis: RedisClient, environment: string, log: Logger): Promise<void> {
  for (const server of serversOf(redis)) {
    const info = await server.info().catch((error: Error) => {
      log.warn({ err: error.message }, 'INFO is not allowed on Redis: persistence and eviction were not checked')
      return ''
    })
    const node = oneOfCluster(redis, info)
    if (node) throw new BadConfiguration([node.detail])
    const unpersisted = notPersisted(info)
    if (unpersisted) log.warn(unpersisted.detail)
    const problem = evicting(info)
    if (problem && environment === 'production') throw new BadConfiguration([`REDIS_URL: ${problem.detail}`])
    if (problem) log.error(problem.detail)
  }
}
