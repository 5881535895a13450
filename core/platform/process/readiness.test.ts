import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { call } from '../../../test/support/http-client.ts'
import { startHttp } from '../http/http-service.ts'
import { createLog } from './log.ts'
import { Loops } from './loops.ts'
import type { Checks } from './readiness.ts'

const log = createLog('test', 'silent')

async function withReadyz<T>(checks: Checks, work: (url: string) => Promise<T>): Promise<T> {
  const http = await startHttp({ host: '127.0.0.1', port: 0, log, metrics: new Registry(), checks, routes: () => {} })
  try {
    return await work(`http://127.0.0.1:${http.port}/readyz`)
  } finally {
    await http.close()
  }
}

test('a service is ready when all checks pass', async () => {
  await withReadyz({ redis: () => true, database: async () => true }, async (url) => {
    expect(await call('GET', url)).toMatchObject({
      status: 200,
      body: { ready: true, redis: true, database: true, problems: [] },
    })
  })
})

test('a service that is not ready gives a code and a sentence per failed check', async () => {
  const checks: Checks = {
    redis: () => ({ code: 'EVICTS', detail: 'Redis evicts keys.' }),
    database: async () => false,
    clock: () => {
      throw new Error('No time.')
    },
    broker: () => true,
  }
  await withReadyz(checks, async (url) => {
    expect(await call('GET', url)).toMatchObject({
      status: 503,
      body: {
        ready: false,
        redis: false,
        database: false,
        clock: false,
        broker: true,
        problems: [
          { check: 'redis', code: 'EVICTS', detail: 'Redis evicts keys.' },
          { check: 'database', code: 'AWAY', detail: 'The database does not answer.' },
          { check: 'clock', code: 'CHECK_FAILED', detail: 'No time.' },
        ],
      },
    })
  })
})

test('a loop that keeps failing shows in /readyz and the metrics, until its next success', async () => {
  const metrics = new Registry()
  const loops = new Loops(log, metrics, 0)
  let isBroken = false
  const repeating = loops.repeat('reconcile', 1, async () => {
    if (isBroken) throw new Error('broken')
  })
  const failures = async () => (await metrics.getSingleMetric('seckill_loop_failures')?.get())?.values[0]?.value
  await withReadyz({ loops: () => loops.check() }, async (url) => {
    expect(await call('GET', url)).toMatchObject({ status: 200 })
    isBroken = true
    const failing = await eventually(
      'the service not to be ready',
      () => call('GET', url),
      ({ status }) => status === 503,
    )
    expect(failing.body).toMatchObject({ problems: [{ check: 'loops', code: 'LOOP_FAILING' }] })
    expect((await call('GET', url)).body).toMatchObject({
      problems: [{ detail: expect.stringContaining('reconcile (') as string }],
    })
    expect(await failures()).toBeGreaterThan(1)
    isBroken = false
    await eventually(
      'the service to be ready',
      () => call('GET', url),
      ({ status }) => status === 200,
    )
    expect(await failures()).toBe(0)
  })
  await repeating.close()
})

test('a loop that has failed for a short time only is not reported', async () => {
  const loops = new Loops(log, new Registry())
  let runs = 0
  const repeating = loops.repeat('relay', 1, async () => {
    runs += 1
    throw new Error('broken')
  })
  await eventually(
    'some runs',
    () => runs,
    (count) => count > 3,
  )
  expect(loops.check()).toBe(true)
  await repeating.close()
})
