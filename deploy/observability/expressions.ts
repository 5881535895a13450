import { METRICS } from '../../core/contracts/metrics.ts'
import { isOfServer, readExported } from './exported.ts'

export interface UsedMetric {
  name: string
  labels: string[]
}

const SELECTOR = /\b(up|(?:seckill|process|nodejs|k6|redis|pg|rabbitmq)_\w+)\b(?:\{([^}]*)\})?/g
const GROUPING = /\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g
/** What Prometheus and every registry of ours add. */
const EVERYWHERE = ['service', 'job', 'instance']

/** The metrics that an expression selects, with the labels that it names for each. */
export function metricsIn(expr: string): UsedMetric[] {
  return [...expr.matchAll(SELECTOR)].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  }))
}

/** What is wrong with an expression: names that no service and no server exports, labels that they lack. */
export function faultsOf(expr: string): string[] {
  const used = metricsIn(expr).filter(({ name }) => name.startsWith('seckill_') || isOfServer(name))
  const known = new Set(EVERYWHERE)
  const faults: string[] = []
  for (const { name, labels } of used) {
    const allowed = labelsOf(name)
    if (!allowed) faults.push(`no ${isOfServer(name) ? 'server' : 'service'} exports ${name}`)
    for (const label of allowed ?? []) known.add(label)
    for (const label of labels)
      if (allowed && ![...allowed, ...EVERYWHERE].includes(label)) faults.push(`${name} has no label ${label}`)
  }
  const grouped = [...expr.matchAll(GROUPING)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  )
  if (used.length > 0)
    for (const label of grouped)
      if (label !== '' && !known.has(label)) faults.push(`no metric of it has a label ${label}`)
  return faults
}

const exported = readExported()

/** Of a metric, or of a series of a histogram; undefined when there is none. */
function labelsOf(name: string): string[] | undefined {
  if (isOfServer(name)) return exported.get(name)
  const table: Record<string, { type: string; labels?: object }> = METRICS
  const own = table[name]
  if (own && own.type !== 'histogram') return Object.keys(own.labels ?? {})
  const [, base = '', part = ''] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? []
  const histogram = table[base]
  if (histogram?.type !== 'histogram') return undefined
  return [...Object.keys(histogram.labels ?? {}), ...(part === 'bucket' ? ['le'] : [])]
}
