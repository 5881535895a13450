import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { afterEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { startHttp } from '../http/http-service.ts'
import { type FinishedSpan, setTracer } from './trace.ts'

const DATA_SOURCES = join(import.meta.dirname, '../../../deploy/observability/grafana-datasource.yml')

afterEach(() => setTracer(undefined))

/** What is logged about a request that fails. */
async function logged(): Promise<string[]> {
  const lines: string[] = []
  const service = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: pino({ name: 'test' }, { write: (line: string) => void lines.push(line) }),
    metrics: new Registry(),
    checks: {},
    routes: (app) =>
      void app.get('/orders', () => {
        throw new Error('a fault of ours')
      }),
  })
  try {
    expect((await fetch(`http://127.0.0.1:${service.port}/orders`)).status).toBe(500)
  } finally {
    await service.close()
  }
  return lines
}

test('the log line of a request that failed names its trace, by which Grafana links them', async () => {
  const spans: FinishedSpan[] = []
  setTracer({ slowMs: 60_000, isSampled: () => false, add: (span) => void spans.push(span) })
  const lines = await logged()
  expect(lines).toHaveLength(1)
  expect(spans).toHaveLength(1)
  const [line = ''] = lines
  expect(JSON.parse(line)).toMatchObject({ msg: 'request failed', trace_id: spans[0]?.traceId })

  const { datasources } = parse(readFileSync(DATA_SOURCES, 'utf8')) as {
    datasources: { uid: string; jsonData?: { derivedFields?: { matcherRegex: string }[] } }[]
  }
  const [link] = datasources.find(({ uid }) => uid === 'loki')?.jsonData?.derivedFields ?? []
  expect(new RegExp(link?.matcherRegex ?? 'none').exec(line)?.[1]).toBe(spans[0]?.traceId)
})

test('while tracing is off it names none', async () => {
  const [line = ''] = await logged()
  expect(JSON.parse(line)).not.toHaveProperty('trace_id')
})
