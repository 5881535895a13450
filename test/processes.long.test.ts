import { execFileSync, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countRequests } from '../control-room/live/read-requests.ts'
import { serviceArgs } from './bundles.ts'
import { call } from './support/http-client.ts'
import { eventually } from './support/eventually.ts'
import { inParallel } from './support/parallel.ts'
import { stretched } from './support/patience.ts'
import { RawConnection } from './support/raw-http.ts'
import { type ServiceProcess, startProcess } from './support/service-process.ts'
import { startSystem, type System } from './support/system.ts'

/** The gateway as in production: two processes on one port under one that watches over them. */
let system: System
let gateway: ServiceProcess
const tokens: string[] = []
const BUYERS = 120

beforeAll(async () => {
  system = await startSystem()
  tokens.push(...(await inParallel(BUYERS, 20, (i) => system.signIn(`process ${i}`))))
  await system.stop('gateway')
})
afterAll(() => system.close())

async function withProcesses(settings: Record<string, string>, check: () => Promise<void>): Promise<void> {
  const { GATEWAY_PROCESSES = '2' } = settings
  gateway = await startProcess('gateway', { ...system.env, ...settings, GATEWAY_PROCESSES })
  await eventually('all processes', workers, ({ length }) => length === Number(GATEWAY_PROCESSES))
  try {
    await check()
  } finally {
    await gateway.kill()
  }
}

const workers = () =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...args]) => Number(parent) === gateway.pid && args.at(-1) === serviceArgs('gateway').at(-1))
    .map(([pid]) => Number(pid))
// A connection of its own for every call: they are what is handed round.
const buy = (saleId: string, i: number) =>
  system.buyUntilAvailable(saleId, tokens[i % BUYERS] ?? '', {}, { connection: 'close' })

const POLLS = { POLL_BURST: '200', POLL_RATE_PER_SECOND: '0.001' }
const POLL = 'GET /sales HTTP/1.1\r\nHost: shop\r\n\r\n'
const purchase = (saleId: string, token: string) =>
  `POST /sales/${saleId}/reservations HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`

/** Sends requests at once, and counts the answers by status. */
async function answersTo(
  client: RawConnection,
  request: (i: number) => string,
  count: number,
): Promise<Record<number, number>> {
  const before = client.answers().length
  client.send(Array.from({ length: count }, (_, i) => request(i)).join(''))
  const answers = await eventually(
    `${count} answers`,
    () => client.answers().slice(before),
    ({ length }) => length === count,
  )
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** A connection to that worker: the others are paused until it has accepted. */
async function connectionTo(pid: number): Promise<RawConnection> {
  const others = workers().filter((other) => other !== pid)
  for (const other of others) process.kill(other, 'SIGSTOP')
  try {
    const client = await new RawConnection(system.url('')).opened()
    client.send('GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n')
    await eventually(
      'an answer',
      () => client.answers(),
      ({ length }) => length === 1,
    )
    return client
  } finally {
    for (const other of others) process.kill(other, 'SIGCONT')
  }
}

test('they sell one stock, and their figures are told as one', () =>
  withProcesses({}, async () => {
    const saleId = await system.createSale({ stock: 50 })
    const answers = await inParallel(BUYERS, 30, (i) => buy(saleId, i))
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(50)
    expect(answers.filter((answer) => answer.body.code === 'SOLD_OUT')).toHaveLength(BUYERS - 50)
    const figures = String((await call('GET', system.url('/metrics'))).body.text)
    expect(figures).toMatch(/^seckill_purchases_total\{.*outcome="ACCEPTED".*\} 50$/m)
    expect(figures).toMatch(/^seckill_purchases_total\{.*outcome="SOLD_OUT".*\} 70$/m)
    expect(figures).toMatch(/^seckill_accept_seconds_count\{.*\} 50$/m)
    expect(await countRequests(system.url(''), undefined)).toMatchObject({ accepted: 50, soldOut: 70 })
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: 50, redisLeft: 0 }] })
  }))

test('the limit of the whole gateway holds for all of them together', () =>
  withProcesses({ GATEWAY_BURST: '20', GATEWAY_RATE_PER_SECOND: '0.001' }, async () => {
    const saleId = await system.createSale({ stock: BUYERS })
    const answers = await inParallel(60, 10, (i) => buy(saleId, i))
    expect(answers.filter((answer) => answer.status === 202)).toHaveLength(20)
  }))

test('one connection, which one of them serves, gets the whole of each limit', () =>
  withProcesses(
    { GATEWAY_PROCESSES: '4', GATEWAY_BURST: '20', GATEWAY_RATE_PER_SECOND: '0.001', ...POLLS },
    async () => {
      const saleId = await system.createSale({ stock: BUYERS })
      const client = await new RawConnection(system.url('')).opened()
      expect(await answersTo(client, (i) => purchase(saleId, tokens[i] ?? ''), 25)).toEqual({ 202: 20, 429: 5 })
      expect(await answersTo(client, () => POLL, 250)).toEqual({ 200: 200, 429: 50 })
      client.close()
    },
  ))

test('an address that has used up its bucket in one of them is refused by the others, another address is not', () =>
  withProcesses({ TRUST_PROXY_HOPS: '1', ...POLLS }, async () => {
    const [one, other] = [await connectionTo(workers()[0] ?? 0), await connectionTo(workers()[1] ?? 0)]
    const from = (address: string) => POLL.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${address}\r\n\r\n`)
    expect(await answersTo(one, () => from('203.0.113.7'), 250)).toEqual({ 200: 200, 429: 50 })
    let admitted = 0
    await eventually(
      'the other to refuse',
      () => answersTo(other, () => from('203.0.113.7'), 1),
      (statuses) => {
        admitted += statuses[200] ?? 0
        return statuses[429] === 1
      },
    )
    // Its own bucket would have admitted 200.
    expect(admitted).toBeLessThan(200)
    expect(await answersTo(other, () => from('203.0.113.8'), 10)).toEqual({ 200: 10 })
    for (const connection of [one, other]) connection.close()
  }))

test('one that dies is replaced, and what it had accepted becomes orders', () =>
  withProcesses({}, async () => {
    const saleId = await system.createSale({ stock: BUYERS })
    const before = workers()
    const accepted: { id: string; token: string }[] = []
    await inParallel(BUYERS, 10, async (i) => {
      if (i === 40) process.kill(before[0] ?? 0, 'SIGKILL')
      // A connection that its process took along has no answer; its buyer comes back like any other.
      const { body } = await eventually(
        `an answer for buyer ${i}`,
        () => buy(saleId, i).catch(() => ({ status: 0, body: {} as Record<string, unknown> })),
        ({ status }) => status === 202,
      )
      accepted.push({ id: String(body.id), token: tokens[i] ?? '' })
    })
    await eventually(
      'another process in its place',
      workers,
      (now) => now.length === 2 && !now.includes(before[0] ?? 0),
    )
    const ends = await inParallel(BUYERS, 20, (i) => system.settled(accepted[i]?.id ?? '', accepted[i]?.token ?? ''))
    expect(new Set(ends.map((end) => end.status))).toEqual(new Set(['ORDERED']))
    expect(await system.auditAtRest(saleId)).toMatchObject({ balanced: true, sales: [{ sold: BUYERS }] })
  }))

test('asked to end, all of them drain, and none stays behind', () =>
  withProcesses({}, async () => {
    const before = workers()
    expect(await gateway.terminate()).toBe(0)
    expect(before.filter((pid) => isAlive(pid))).toEqual([])
  }))

test('when the one above them is killed, none stays behind', () =>
  withProcesses({}, async () => {
    const before = workers()
    await gateway.kill()
    expect(
      await eventually(
        'all to be gone',
        () => before.filter((pid) => isAlive(pid)),
        (alive) => alive.length === 0,
      ),
    ).toEqual([])
  }))

test('a gateway that cannot listen ends instead of trying for ever', () =>
  withProcesses({}, async () => {
    const env = { PATH: process.env.PATH, ...system.env, GATEWAY_PROCESSES: '2', LOG_LEVEL: 'info' }
    const second = spawnSync(process.execPath, serviceArgs('gateway'), {
      env,
      encoding: 'utf8',
      timeout: stretched(20_000),
    })
    expect(second.status).toBe(1)
    expect(second.stdout + second.stderr).toContain('is taken')
  }))

test('a gateway whose process is killed before it ever listened ends, and not as if all were well', () => {
  const killed = encodeURIComponent(
    'import { isWorker } from "node:cluster"; if (isWorker) process.kill(process.pid, "SIGKILL")',
  )
  const env = {
    PATH: process.env.PATH,
    ...system.env,
    GATEWAY_PROCESSES: '1',
    NODE_OPTIONS: `--import=data:text/javascript,${killed}`,
  }
  expect(spawnSync(process.execPath, serviceArgs('gateway'), { env, timeout: stretched(20_000) }).status).toBe(1)
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
