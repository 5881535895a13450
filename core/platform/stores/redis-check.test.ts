import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RunRecord } from '../../../dev/run-file.ts'
import { makeScratchFolder, removeScratchFolder } from '../../../dev/scratch-folder.ts'
import { freePort } from '../../../dev/servers/ports.ts'
import { startRedis } from '../../../dev/servers/redis.ts'
import { startClusterNode } from '../../../dev/servers/redis-nodes.ts'
import type { RunningServer } from '../../../dev/servers/running-server.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { endWithFile, noteProcess } from '../../../test/support/left-behind.ts'
import { spawnProcess } from '../../../test/support/service-process.ts'
import { createLog } from '../process/log.ts'
import type { CheckResult } from '../process/readiness.ts'
import { connectRedis, redisReady } from './redis.ts'
import { redisCheck, refuseUnfitRedis } from './redis-check.ts'

let folder: string
let server: RunningServer
let redis: Redis
beforeAll(async () => {
  folder = await makeScratchFolder()
  RunRecord.ofNewFolder(folder)
  server = await startRedis({ dataDir: folder, onStart: (name, id) => void noteProcess(name, id) })
  endWithFile(() => server.stop())
  redis = new Redis(server.url)
  await redis.ping()
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
  await removeScratchFolder(folder)
})

const secret = () => randomBytes(24).toString('hex')
const log = createLog('test', 'silent')
const named = (result: CheckResult) =>
  typeof result === 'object' ? `${result.code}: ${result.detail}` : String(result)
/** The lines that a service logs at its start. */
async function loggedAtStart(environment: string): Promise<string[]> {
  const lines: string[] = []
  const write = (text: string) => lines.push(text)
  const recording = Object.assign(Object.create(log) as typeof log, { warn: write, error: write })
  await refuseUnfitRedis(redis, environment, recording)
  return lines
}

test('a Redis with noeviction and an append-only file passes', async () => {
  expect(await redisCheck(redis, [])()).toBe(true)
  expect(await loggedAtStart('production')).toEqual([])
})

const POLICIES = ['volatile-lru', 'allkeys-lfu', 'volatile-ttl', 'allkeys-random']
test.each(POLICIES)('the eviction policy %s is reported, and refused in production', async (policy) => {
  await redis.config('SET', 'maxmemory-policy', policy)
  const setting = `maxmemory-policy is ${policy}. Set it to noeviction.`
  const sentence = `Redis may drop reservations when its memory is full: ${setting}`
  expect(await redisCheck(redis, [])()).toEqual({ code: 'REDIS_EVICTS', detail: sentence })
  expect(await loggedAtStart('development')).toEqual([sentence])
  await expect(loggedAtStart('production')).rejects.toThrow(`REDIS_URL: ${sentence}`)
})

test('in production a service exits with 78 and the reason when Redis evicts keys', async () => {
  await redis.config('SET', 'maxmemory-policy', 'volatile-lru')
  const password = secret()
  await redis.call('ACL', 'SETUSER', 'shop', 'on', `>${password}`, '+@all', 'allkeys', 'allchannels')
  const url = new URL(server.url)
  Object.assign(url, { username: 'shop', password })
  const gateway = spawnProcess('gateway', {
    NODE_ENV: 'production',
    REDIS_URL: url.href,
    RABBITMQ_URL: `amqp://shop:${secret()}@127.0.0.1:1`,
    ORDER_SERVICE_URL: 'http://127.0.0.1:1',
    TOKEN_SECRET: secret(),
    GATEWAY_PORT: String(await freePort()),
    GATEWAY_PROCESSES: '1',
  })
  await eventually('it to end', gateway.hasEnded, Boolean, 60_000)
  expect(gateway.output()).toContain('REDIS_URL: Redis may drop reservations')
  expect(await gateway.terminate()).toBe(78)
})

test('a Redis without an append-only file is used with a warning', async () => {
  await redis.config('SET', 'maxmemory-policy', 'noeviction')
  await redis.config('SET', 'appendonly', 'no')
  expect(await loggedAtStart('production')).toEqual([
    expect.stringContaining('Set appendonly to yes and appendfsync to always.'),
  ])
  expect(await redisCheck(redis, [])()).toBe(true)
})

test('a service starts when its user may not call INFO', async () => {
  await redis.call('ACL', 'SETUSER', 'blind', 'on', '>pass', '+@all', '-info', 'allkeys', 'allchannels')
  const blind = new Redis(server.url, { username: 'blind', password: 'pass' })
  await refuseUnfitRedis(blind, 'production', log)
  const check = redisCheck(blind, [{ call: ['INFO'], rule: '+info' }])
  expect(named(await check())).toMatch(/^MISSING_RIGHT: .* INFO\. Add with ACL SETUSER: \+info$/)
  blind.disconnect()
})

test('one node of a cluster is refused at the start, and reported', async () => {
  const [port, busPort] = [await freePort(), await freePort()]
  const onStart = (name: string, id: Parameters<typeof noteProcess>[1]) => void noteProcess(name, id)
  const node = await startClusterNode({ port, busPort, dataDir: join(folder, 'node'), onStart })
  endWithFile(() => node.stop())
  const client = connectRedis(node.url, log)
  await redisReady(client)
  await expect(refuseUnfitRedis(client, 'development', log)).rejects.toThrow(
    'REDIS_URL names one node of a Redis Cluster',
  )
  expect(named(await redisCheck(client, [])())).toMatch(/^REDIS_IS_CLUSTER: .*redis:\/\/host:6379,host2:6379/)
  client.disconnect()
  await node.stop()
})

test('a password that Redis rejects is reported', async () => {
  const stranger = new Redis(server.url, { username: 'blind', password: 'wrong' })
  const check = redisCheck(stranger, [])
  const result = await eventually('it to be named', check, (found) => typeof found === 'object')
  expect(named(result)).toMatch(/^REDIS_REFUSES_LOGIN: .* REDIS_URL: WRONGPASS/)
  stranger.disconnect()
})

test('a REDIS_URL with a database number needs the right to SELECT it', async () => {
  await redis.call('ACL', 'SETUSER', 'second', 'on', '>pass', '+@all', '-select', 'allkeys', 'allchannels')
  const second = new Redis(server.url, { username: 'second', password: 'pass', db: 1 })
  second.on('error', () => {}) // The client's own SELECT is refused; the check says so.
  await eventually(
    'it to be ready',
    () => second.status,
    (status) => status === 'ready',
  )
  expect(named(await redisCheck(second, [])())).toMatch(/^MISSING_RIGHT: .* \+select$/)
  second.disconnect()
})
