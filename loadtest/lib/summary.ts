import { CALLS } from './counters.ts'

/** The fields that are read here of what k6 passes to handleSummary. */
interface SummaryData {
  metrics: Metrics
  root_group: { checks: { name: string; passes: number; fails: number }[] }
  state: { testRunDurationMs: number }
}

export type Metrics = Partial<Record<string, Metric>>

interface Metric {
  values: Partial<Record<string, number>>
  thresholds?: Record<string, { ok: boolean }>
}

interface SummaryOptions {
  /** Metrics whose thresholds end the run without failing it. */
  limits?: string[]
  /** Further lines of this scenario. */
  more?: (metrics: Metrics) => string[]
}

const TREND_STATS = ['count', 'med', 'p(95)', 'p(99)', 'max']
/** For every scenario; the summary below reads these. */
export const commonOptions = { summaryTrendStats: TREND_STATS, setupTimeout: '1m', teardownTimeout: '5m' }

const ATTEMPTS = ['accepted', 'duplicate', 'limit_reached', 'sold_out', 'limited', 'busy', 'unexpected']
const ENDS = ['paid', 'lapsed', 'lost_orders', 'orders_owed', 'oversold', 'lost_units']
const COLUMN = 10

/** The end of a run: a page for people on the screen, and every figure in loadtest/results/<scenario>.json. */
export function summaryOf(
  scenario: string,
  { limits = [], more = () => [] }: SummaryOptions = {},
): (data: SummaryData) => Record<string, string> {
  return (data) => {
    const { metrics } = data
    const crossed = crossedThresholds(metrics)
    const passed = crossed.every(({ metric }) => limits.includes(plainName(metric)))
    const page = [
      '',
      `${scenario}: ${passed ? 'passed' : 'FAILED'}, ${Math.round(data.state.testRunDurationMs / 1_000)} s in all`,
      '',
      `  attempts   ${counts(ATTEMPTS, metrics)}`,
      `  ends       ${counts(ENDS, metrics)}`,
      `  requests   ${count('http_reqs', metrics)}, at ${Math.round(metrics.http_reqs?.values.rate ?? 0)} a second${dropped(metrics)}`,
      '',
      ...times(metrics),
      ...more(metrics),
      '',
      ...data.root_group.checks
        .filter(({ fails }) => fails > 0)
        .map(({ name, passes, fails }) => `  check failed: ${name} (${fails} of ${passes + fails} times)`),
      ...crossed.map(
        ({ metric, threshold, actual }) =>
          `  ${limits.includes(plainName(metric)) ? 'limit reached' : 'NOT AS IT MUST BE'}: ${metric} is ${actual}, expected ${threshold}`,
      ),
      '',
    ]
    return {
      stdout: page.join('\n').replaceAll(/\n{3,}/g, '\n\n'),
      [`loadtest/results/${scenario}.json`]: JSON.stringify({ scenario, passed, at: new Date(), ...data }, null, 2),
    }
  }
}

/** `http_req_duration{name:buy}` is a part of `http_req_duration`. */
const plainName = (metric: string) => metric.replace(/\{.*/, '')

function crossedThresholds(metrics: Metrics): { metric: string; threshold: string; actual: string }[] {
  return Object.entries(metrics).flatMap(([metric, { values, thresholds } = { values: {} }]) =>
    Object.entries(thresholds ?? {})
      .filter(([, { ok }]) => !ok)
      .map(([threshold]) => {
        const [, stat = ''] = /^([a-z]+(?:\(\d+\))?)/.exec(threshold) ?? []
        return { metric, threshold, actual: grouped(Number((values[stat] ?? 0).toFixed(3))) }
      }),
  )
}

function count(name: string, metrics: Metrics): string {
  return grouped(metrics[name]?.values.count ?? 0)
}

/** 1234567 as 1,234,567; k6's JavaScript has no toLocaleString for numbers. */
export function grouped(value: number): string {
  return String(value).replaceAll(/\B(?<!\.\d*)(?=(\d{3})+(?!\d))/g, ',')
}

function counts(names: string[], metrics: Metrics): string {
  return names.map((name) => `${name} ${count(name, metrics)}`).join(' · ')
}

function dropped(metrics: Metrics): string {
  return metrics.dropped_iterations
    ? `; ${count('dropped_iterations', metrics)} iterations dropped: k6 had no free VU`
    : ''
}

/** A table of how long each kind of call took, and an order. */
function times(metrics: Metrics): string[] {
  const trends = [
    ...CALLS.map((call) => [call, metrics[`http_req_duration{name:${call}}`]] as const),
    ['202 to order', metrics.order_created_lag] as const,
  ]
  const rows = trends.flatMap(([name, trend]) =>
    trend?.values.count
      ? [
          row(
            name,
            TREND_STATS.map((stat) => figure(stat, trend.values[stat] ?? 0)),
          ),
        ]
      : [],
  )
  return [
    row(
      'milliseconds',
      TREND_STATS.map((stat) => (stat === 'med' ? 'median' : stat)),
    ),
    ...rows,
  ]
}

export function row(name: string, cells: string[]): string {
  return `  ${name.padEnd(22)}${cells.map((cell) => cell.padStart(COLUMN)).join('')}`
}

function figure(stat: string, value: number): string {
  return stat === 'count' ? grouped(value) : value.toFixed(1)
}
