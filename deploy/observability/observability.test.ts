import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { METRICS, type Metric } from '../../core/contracts/metrics.ts'
import { OBJECTIVES } from '../../core/contracts/objectives.ts'
import { ALERTS } from './alerts.ts'
import { DASHBOARDS } from './dashboards.ts'
import { exportedList, fileOf } from './exported.ts'
import { faultsOf, metricsIn } from './expressions.ts'
import { GENERATED, generatedFiles } from './generated.ts'
import { times } from './rules.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const queries = DASHBOARDS.flatMap(({ id, panels }) =>
  panels.flatMap(({ title, queries: asked }) => asked.map(([expr]) => [`${id}: ${title}`, expr] as const)),
)
const conditions = ALERTS.map(({ name, expr }) => [name, expr(times())] as const)

test('the generated files are those of the descriptions', () => {
  for (const [name, text] of Object.entries(generatedFiles()))
    expect(readFileSync(join(GENERATED, name), 'utf8'), `${name}: run npm run observability`).toBe(text)
})

test.each([...conditions, ...queries])('%s asks only for metrics and labels that a service exports', (_, expr) => {
  expect(metricsIn(expr)).not.toEqual([])
  expect(faultsOf(expr)).toEqual([])
})

test('a renamed metric, an unknown label and an unknown grouping are faults', () => {
  expect(faultsOf('max(seckill_dead_letter)')).toEqual(['no service exports seckill_dead_letter'])
  expect(faultsOf('sum(seckill_purchases_total{result="BUSY"})')).toEqual([
    'seckill_purchases_total has no label result',
  ])
  expect(faultsOf('sum by (sale) (seckill_dead_letters)')).toEqual(['no metric of it has a label sale'])
  expect(faultsOf('rate(seckill_accept_seconds[1m])')).toEqual(['no service exports seckill_accept_seconds'])
  expect(faultsOf('sum(redis_memory_use_bytes)')).toEqual(['no server exports redis_memory_use_bytes'])
  expect(faultsOf('sum by (database) (pg_locks_count)')).toEqual(['no metric of it has a label database'])
})

test.each([
  ['redis', 'redis-exporter'],
  ['postgres', 'postgres-exporter'],
] as const)('what was listed of %s was exported by the version that runs', (server, exporter) => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as Record<
    string,
    Record<string, { image: string }>
  >
  const [asked] = readFileSync(fileOf(server), 'utf8').split('\n')
  expect(asked).toContain(`# ${services?.[exporter]?.image} `)
})

test('Grafana, Alloy and Prometheus ask services of docker-compose.yml, and links lead to data sources', () => {
  const { name, services } = parse(read('docker-compose.yml'), { merge: true }) as { name: string; services: object }
  const sources = read('deploy/observability/grafana-datasource.yml')
  const collector = read('deploy/observability/config.alloy')
  const asked = [...`${sources}${collector}`.matchAll(/http:\/\/(\w+):/g)].map(([, host]) => host)
  const scraped = [...read('deploy/observability/generated/prometheus.yml').matchAll(/names:\n\s+- (\S+)/g)].map(
    ([, host]) => host,
  )
  expect(new Set(asked)).toEqual(new Set(['prometheus', 'jaeger', 'loki']))
  expect(scraped).toHaveLength(9)
  expect(Object.keys(services)).toEqual(expect.arrayContaining([...asked, ...scraped]))
  const known = [...sources.matchAll(/ uid: (\w+)/g)].map(([, uid]) => uid)
  const linked = [...sources.matchAll(/datasourceUid: (\w+)/g)].map(([, uid]) => uid)
  expect(linked).toEqual(['loki', 'jaeger'])
  expect(known).toEqual(expect.arrayContaining(linked))
  expect(collector).toContain(`com.docker.compose.project=${name}"`)
})

test('a list has each metric of a server once, with all labels of its series', () => {
  const exposition = [
    '# HELP redis_keys of a database',
    '# TYPE redis_keys gauge',
    'redis_keys{db="db0"} 1',
    'redis_keys{db="db1",kind="a \\" }b"} 2',
    'redis_up 1',
    'go_goroutines 8',
  ]
  expect(exportedList('x of y', exposition.join('\n'))).toBe('# x of y\nredis_keys db kind\nredis_up\n')
})

test('every metric is on a dashboard', () => {
  const shown = new Set(queries.flatMap(([, expr]) => metricsIn(expr).map(({ name }) => name)))
  const isShown = (name: string) => shown.has(name) || shown.has(`${name}_bucket`)
  expect(Object.keys(METRICS).filter((name) => !isShown(name))).toEqual([])
})

test('names have the unit that Prometheus asks for, and no label is an id', () => {
  for (const [name, { type, labels = {} }] of Object.entries<Metric>(METRICS)) {
    expect(name, name).toMatch(/^seckill_[a-z_]+$/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(name.endsWith('_seconds') || type !== 'histogram', name).toBe(true)
    expect(name, name).not.toMatch(/_(ms|millis|count|sum|bucket)$/)
    expect(Object.keys(labels).join(), name).not.toMatch(/\b(id|sale|buyer|order|reservation|address)/)
  }
})

test('there are at most ten alerts, each with a section of the runbook in both languages', () => {
  expect(ALERTS.length).toBeLessThanOrEqual(10)
  for (const { name } of ALERTS)
    for (const runbook of ['docs/runbook.md', 'docs/zh/runbook.md'])
      expect(read(runbook), `${runbook} on ${name}`).toContain(`\n## ${name}\n`)
})

test.each(Object.entries(OBJECTIVES))('the objective %s can be counted exactly', (_, { metric, withinSeconds }) => {
  expect(METRICS[metric].buckets).toContain(withinSeconds)
})
