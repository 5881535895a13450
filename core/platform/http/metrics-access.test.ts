import { Gauge, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { call } from '../../../test/support/http-client.ts'
import { startHttp } from './http-service.ts'
import { createLog } from '../process/log.ts'
import { metricsAccess } from './metrics-access.ts'

const TOKEN = 'k3jH8sdf93kfjs83hf83kd93kfls93k2'

async function withMetrics(
  config: Parameters<typeof metricsAccess>[0],
  metrics: Registry,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const http = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    metrics,
    metricsAccess: metricsAccess(config),
    checks: {},
    routes: () => {},
  })
  try {
    await work(`http://127.0.0.1:${http.port}/metrics`)
  } finally {
    await http.close()
  }
}

test.each([
  ['development', undefined, undefined, 200],
  ['production', undefined, undefined, 401],
  ['production', undefined, TOKEN, 401],
  ['development', TOKEN, undefined, 401],
  ['development', TOKEN, `${TOKEN}x`, 403],
  ['development', TOKEN, TOKEN, 200],
  ['production', TOKEN, TOKEN, 200],
])('in %s with METRICS_TOKEN=%s, the token %s gets %i', async (NODE_ENV, METRICS_TOKEN, token, status) => {
  await withMetrics({ NODE_ENV, METRICS_TOKEN }, new Registry(), async (url) => {
    expect((await call('GET', url, { token })).status).toBe(status)
  })
})

test('one collection of metrics runs at a time, and requests that arrive meanwhile share the next', async () => {
  const metrics = new Registry()
  const collections: (() => void)[] = []
  let [underWay, underWayMax] = [0, 0]
  const collect = async () => {
    underWayMax = Math.max(underWayMax, ++underWay)
    await new Promise<void>((resolve) => {
      collections.push(resolve)
    })
    underWay--
  }
  metrics.registerMetric(new Gauge({ name: 'slow', help: 'Waits to be let go', registers: [], collect }))
  await withMetrics({ NODE_ENV: 'test' }, metrics, async (url) => {
    const answers = [call('GET', url)]
    await eventually(
      'the first collection',
      () => collections.length,
      (count) => count === 1,
    )
    answers.push(...Array.from({ length: 30 }, () => call('GET', url)))
    const isDone = Promise.all(answers)
    await eventually(
      'all answers',
      async () => {
        for (const letGo of collections) letGo()
        return await Promise.race([
          isDone.then(() => true),
          new Promise((resolve) => {
            setImmediate(resolve, false)
          }),
        ])
      },
      Boolean,
    )
    expect(new Set((await isDone).map(({ status }) => status))).toEqual(new Set([200]))
    expect(underWayMax).toBe(1)
    expect(collections.length).toBeLessThan(answers.length)
  })
})
