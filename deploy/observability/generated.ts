import { join } from 'node:path'
import { type Exporter, type Metric, METRICS } from '../../core/contracts/metrics.ts'
import { DASHBOARDS } from './dashboards.ts'
import type { ServerName } from './exported.ts'
import { grafanaJson } from './grafana.ts'
import { prometheusConfig } from './prometheus.ts'
import { alertRules, alertTests } from './rules.ts'

export const GENERATED = join(import.meta.dirname, 'generated')

/** Where a service listens in docker-compose.yml; all its replicas have its name. */
const PORTS: Record<Exporter, number> = {
  gateway: 3_000,
  'control-room': 3_001,
  'order-service': 3_002,
  'cancel-worker': 3_003,
  'payment-provider': 3_004,
  subscribers: 3_005,
}

/** What tells of a server in docker-compose.yml: an exporter beside it, or its own plugin. */
const EXPORTERS: Record<ServerName, { name: string; port: number }> = {
  redis: { name: 'redis-exporter', port: 9_121 },
  postgres: { name: 'postgres-exporter', port: 9_187 },
  rabbitmq: { name: 'rabbitmq', port: 15_692 },
}

/** What stands in `generated/`, by its path there. */
export function generatedFiles(): Record<string, string> {
  const services = Object.entries(PORTS).map(([job, port]) => ({
    job,
    at: { name: job, port },
    tokenFile: '/run/secrets/metrics-token',
  }))
  const servers = Object.entries(EXPORTERS).map(([job, at]) => ({ job, at }))
  const config = prometheusConfig({ jobs: [...services, ...servers], rulesFile: 'alerts.yml', interval: '15s' })
  return {
    'alerts.yml': alertRules(),
    'alerts.test.yml': alertTests('alerts.yml'),
    'prometheus.yml': config,
    'metrics.md': metricsPage(),
    ...Object.fromEntries(DASHBOARDS.map((dashboard) => [`dashboards/${dashboard.id}.json`, grafanaJson(dashboard)])),
  }
}

function metricsPage(): string {
  const rows = Object.entries<Metric>(METRICS).map(
    ([name, { type, by, help, labels = {} }]) =>
      `| \`${name}\` | ${type} | ${Object.entries(labels).map(labelCell).join('; ')} | ${by.join(', ')} | ${help} |`,
  )
  return [
    '# Metrics',
    '',
    'Generated from core/contracts/metrics.ts by `npm run observability`. Every series also has a label `service`; beside these',
    "each service exports prom-client's default metrics (`process_…`, `nodejs_…`).",
    '',
    '| metric | type | labels | exported by | what it shows |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function labelCell([label, values]: [string, readonly string[] | 'as configured']): string {
  return `\`${label}\`: ${values === 'as configured' ? values : values.join(', ')}`
}
