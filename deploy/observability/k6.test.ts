import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DASHBOARDS } from './dashboards.ts'
import { metricsIn } from './expressions.ts'

test('what is asked of k6 is what its scripts count', () => {
  const scripts = readFileSync(join(import.meta.dirname, '../../loadtest/lib/counters.ts'), 'utf8')
  const counters = [...scripts.matchAll(/new (Counter|Trend)\('(\w+)'/g)].map(
    ([, type, name]) => `${name}_${type === 'Counter' ? 'total' : 'p95'}`,
  )
  const builtIn = ['vus', 'http_reqs_total', 'http_req_duration_p95', 'http_req_duration_p99']
  const asked = DASHBOARDS.flatMap(({ panels }) =>
    panels.flatMap(({ queries }) => queries.flatMap(([expr]) => metricsIn(expr))),
  ).filter(({ name }) => name.startsWith('k6_'))
  expect(asked.length).toBeGreaterThan(5)
  for (const { name } of asked) expect([...builtIn, ...counters]).toContain(name.replace('k6_', ''))
})
