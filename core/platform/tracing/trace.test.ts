import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TYPESCRIPT_ARGS } from '../process/typescript-args.ts'
import { beginTrace, type FinishedSpan, setTracer, step, traceBatch } from './trace.ts'

const SAMPLED = `${'1'.repeat(31)}a`
const OTHER = `${'2'.repeat(31)}b`
const spans: FinishedSpan[] = []
const traceWith = (slowMs: number) =>
  setTracer({ slowMs, isSampled: (traceId) => traceId.endsWith('a'), add: (span) => void spans.push(span) })

beforeEach(() => {
  spans.length = 0
  traceWith(60_000)
})
afterEach(() => setTracer(undefined))

const called = (caller: string) => {
  const trace = beginTrace()
  trace?.calledBy({ traceId: caller, spanId: 'c'.repeat(16) })
  return trace
}
const itemOf = (traceId: string) => ({
  parent: { traceId, spanId: traceId.slice(0, 16) },
  describe: () => ({ name: `item of ${traceId}` }),
})
const fail = () => Promise.reject(new Error('no'))

test('off, nothing is noted, and the work is done', async () => {
  setTracer(undefined)
  expect(beginTrace()).toBeUndefined()
  expect(await step(undefined, { name: 'work' }, async () => 1)).toBe(1)
  expect(
    await traceBatch(
      async () => 2,
      () => ({ name: 'batch', items: [] }),
    ),
  ).toBe(2)
})

test('of the sampled share everything is exported, steps under their request', async () => {
  const trace = called(SAMPLED)
  expect(await step(trace, { name: 'work', kind: 'CLIENT' }, async () => 1)).toBe(1)
  trace?.end({ name: 'request', kind: 'SERVER' })
  expect(spans).toMatchObject([
    { name: 'request', kind: 'SERVER', traceId: SAMPLED, parentSpanId: 'c'.repeat(16), links: [], error: undefined },
    { name: 'work', kind: 'CLIENT', traceId: SAMPLED, parentSpanId: spans[0]?.spanId, error: undefined },
  ])
})

test('of all others what failed or was slow is exported, and nothing else', async () => {
  const quiet = called(OTHER)
  await step(quiet, { name: 'work' }, async () => 1)
  quiet?.end({ name: 'request' })
  expect(spans).toEqual([])

  const failing = called(OTHER)
  await expect(step(failing, { name: 'work' }, fail)).rejects.toThrow('no')
  failing?.end({ name: 'request' })
  expect(spans.splice(0)).toMatchObject([
    { name: 'request', error: undefined },
    { name: 'work', error: 'no' },
  ])

  traceWith(0)
  called(OTHER)?.end({ name: 'slow' })
  called(OTHER)?.end({ name: 'slow by design', mayBeSlow: true })
  const waiting = called(OTHER)
  waiting?.stop()
  waiting?.end({ name: 'slow before it waits by design', mayBeSlow: true })
  expect(spans.map(({ name }) => name)).toEqual(['slow', 'slow before it waits by design'])
})

test('a batch links to the sampled ones among its items, whose traces have a span each', async () => {
  await traceBatch(
    async () => 1,
    () => ({ name: 'batch', items: [itemOf(SAMPLED), itemOf(OTHER)] }),
  )
  const [batch, item] = spans
  expect(spans).toHaveLength(2)
  expect(batch).toMatchObject({ name: 'batch', parentSpanId: undefined, links: [itemOf(SAMPLED).parent] })
  expect(item).toMatchObject({
    traceId: SAMPLED,
    parentSpanId: SAMPLED.slice(0, 16),
    links: [{ traceId: batch?.traceId, spanId: batch?.spanId }],
  })
})

test('a batch without sampled items is not exported unless it fails: then it links to all of them', async () => {
  const describe = () => ({ name: 'batch', items: [itemOf(OTHER)] })
  await traceBatch(async () => 1, describe)
  expect(spans).toEqual([])
  await expect(traceBatch(fail, describe)).rejects.toThrow('no')
  expect(spans).toMatchObject([{ name: 'batch', error: 'no', links: [itemOf(OTHER).parent] }])
})

test('what a stranger calls is its own trace with a link, and what is about a reservation stands in that one', () => {
  const trace = called(SAMPLED)
  trace?.isAbout('sale.EREREREREREREREREREREQ')
  trace?.failed('so that it is exported')
  trace?.end({ name: 'payment' })
  expect(spans).toMatchObject([
    { traceId: '1'.repeat(32), parentSpanId: '1'.repeat(16), links: [{ traceId: SAMPLED, spanId: 'c'.repeat(16) }] },
  ])
})

test("OpenTelemetry's SDK is loaded once traces are exported, and not before", () => {
  const script = `
    import { createRequire } from 'node:module'
    const { startTracing } = await import('./core/platform/tracing/start-tracing.ts')
    const start = (config) => startTracing('x', { ...config, TRACE_SAMPLE_RATE: 1, TRACE_SLOW_MS: 1 }, { info() {} }, { add() {} })
    const { cache } = createRequire(import.meta.url)
    const say = () => console.log(Object.keys(cache).some((file) => file.includes('@opentelemetry/sdk-trace')))
    await start({})
    say()
    await start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    say()`
  const said = execFileSync(process.execPath, [...TYPESCRIPT_ARGS, '--input-type=module', '--eval', script], {
    cwd: join(import.meta.dirname, '../../..'),
    encoding: 'utf8',
  })
  expect(said).toBe('false\ntrue\n')
})
