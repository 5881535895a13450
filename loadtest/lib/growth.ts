import { sleep } from 'k6'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import { METRICS_TOKEN, services } from './environment.ts'

/** Measures of all services that grew beyond their bounds. */
const grew = new Counter('grew')

/** What prom-client exports of every Node process, and by how much it may grow from the first third to the last. */
interface Measure {
  label: string
  metric: string
  /** What is compared of a third. The minimum is the heap right after a collection, the handles between two requests. */
  of: 'min' | 'median'
  show: (value: number) => string
  /** Undefined: shown, without a bound. */
  allowed?: (first: number) => number
}

const MB = 1_048_576
const megabytes = (value: number) => `${(value / MB).toFixed(0)} MB`

/**
 * The bounds leave room for what grows once and then stays: compiled code, connection pools, and keep-alive connections
 * of buyers, which the services close after 65 idle seconds. A leak of 100 bytes a request shows in an hour, not
 * in two minutes.
 */
const MEASURES: Measure[] = [
  {
    label: 'heap',
    metric: 'nodejs_heap_size_used_bytes',
    of: 'min',
    show: megabytes,
    allowed: (first) => first * 1.25 + 16 * MB,
  },
  {
    label: 'resident',
    metric: 'process_resident_memory_bytes',
    of: 'min',
    show: megabytes,
    allowed: (first) => first * 1.25 + 48 * MB,
  },
  {
    label: 'open handles',
    metric: 'nodejs_active_resources_total',
    of: 'min',
    show: String,
    allowed: (first) => first * 1.5 + 300,
  },
  {
    label: 'event loop p99',
    metric: 'nodejs_eventloop_lag_p99_seconds',
    of: 'median',
    show: (value) => `${(value * 1_000).toFixed(0)} ms`,
  },
]

/** A service's metrics at one moment, by name. */
type Sample = Record<string, number>

/**
 * Samples every service for `seconds`, then compares the first third with the last, and reports what grew beyond its
 * bound if it `isJudged`. Runs in one VU, which holds the samples.
 */
export function watchGrowth(seconds: number, isJudged: boolean): void {
  const samples: Record<string, Sample[]> = Object.fromEntries(Object.keys(services).map((name) => [name, []]))
  // 60 samples at least, so that every third meets the heap right after a collection.
  const intervalSeconds = Math.min(15, seconds / 60)
  for (const startedAt = Date.now(); Date.now() - startedAt < seconds * 1_000; sleep(intervalSeconds)) {
    for (const [name, url] of Object.entries(services)) {
      const sample = readMetrics(url)
      if (sample) samples[name]?.push(sample)
    }
  }
  for (const [name, taken] of Object.entries(samples)) compareThirds(name, taken, isJudged)
}

function compareThirds(service: string, samples: Sample[], isJudged: boolean): void {
  const third = Math.floor(samples.length / 3)
  if (third === 0) {
    grew.add(1)
    return console.error(`${service}: too few samples to compare; its /metrics did not answer`)
  }
  const parts = MEASURES.map(({ label, metric, of, show, allowed }) => {
    const [first, last] = [samples.slice(0, third), samples.slice(-third)].map((part) =>
      typical(
        of,
        part.map((sample) => sample[metric] ?? 0),
      ),
    )
    const limit = isJudged ? (allowed?.(first ?? 0) ?? Infinity) : Infinity
    const isOver = (last ?? 0) > limit
    if (isOver) grew.add(1)
    return `${label} ${show(first ?? 0)} → ${show(last ?? 0)}${isOver ? ` (GREW, at most ${show(Math.round(limit))})` : ''}`
  })
  console.log(`${service.padEnd(18)}${parts.join(', ')}`)
}

function typical(of: Measure['of'], values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[of === 'min' ? 0 : Math.floor(sorted.length / 2)] ?? 0
}

/** Undefined when it does not answer; the buyers' calls count such a failure. */
function readMetrics(url: string): Sample | undefined {
  const headers: Record<string, string> = METRICS_TOKEN ? { authorization: `Bearer ${METRICS_TOKEN}` } : {}
  const answer = http.get(`${url}/metrics`, { headers, responseType: 'text', tags: { name: 'metrics' } })
  if (answer.status !== 200) return undefined
  return Object.fromEntries(MEASURES.map(({ metric }) => [metric, valueOf(metric, answer.body ?? '')]))
}

/** Of Prometheus' text format: `name{labels} value`. */
function valueOf(metric: string, text: string): number {
  return Number(new RegExp(`^${metric}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? NaN)
}
