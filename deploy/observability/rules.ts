import { stringify } from 'yaml'
import { ALERTS, SILENT, type Times } from './alerts.ts'

const INTERVAL = '15s'
/** When promtool looks: everything that fires has by then, for as long as it must hold. */
const FIRES_AT = '10m'
const RUNBOOK = 'docs/runbook.md'

/**
 * Prometheus' rules. @param scale multiplies every time, for tests; an interval shorter than Prometheus' own is set,
 * too
 */
export function alertRules(scale = 1, interval?: string): string {
  const rules = ALERTS.map(({ name, summary, expr, forSeconds }) => ({
    alert: name,
    expr: expr(times(scale)),
    for: duration(forSeconds * scale),
    labels: LABELS,
    annotations: annotations(name, summary),
  }))
  return stringify({ groups: [{ name: 'seckill', ...(interval && { interval }), rules }] }, { lineWidth: 0 })
}

/** For promtool test rules: each alert fires of its own series, and none of a sell-out. */
export function alertTests(rulesFile: string): string {
  const firing = ALERTS.flatMap(({ name, summary, fires }) =>
    fires.map((series) => ({
      name: `${name} fires`,
      interval: INTERVAL,
      input_series: inputSeries(series),
      alert_rule_test: [
        {
          eval_time: FIRES_AT,
          alertname: name,
          exp_alerts: [
            { exp_labels: { ...LABELS, ...subscriberIn(name) }, exp_annotations: annotations(name, summary) },
          ],
        },
      ],
    })),
  )
  // Every half minute.
  const moments = Array.from({ length: 36 }, (_, i) => `${(i + 4) * 30}s`)
  const silent = Object.entries(SILENT).map(([what, series]) => ({
    name: `${what} is silent`,
    interval: INTERVAL,
    input_series: inputSeries(series),
    alert_rule_test: moments.flatMap((moment) =>
      ALERTS.map(({ name }) => ({ eval_time: moment, alertname: name, exp_alerts: [] })),
    ),
  }))
  return stringify(
    { rule_files: [rulesFile], evaluation_interval: INTERVAL, tests: [...firing, ...silent] },
    { lineWidth: 0 },
  )
}

const LABELS = { severity: 'page' }

/** The one alert that names what it is about. */
const subscriberIn = (name: string) => (name === 'SubscriberBehind' ? { subscriber: 'points' } : {})

function annotations(name: string, summary: string): Record<string, string> {
  return { summary, runbook: `${RUNBOOK}#${name.toLowerCase()}` }
}

function inputSeries(series: Record<string, string>): { series: string; values: string }[] {
  return Object.entries(series).map(([name, values]) => ({ series: name, values }))
}

export function times(scale = 1): Times {
  return { range: (seconds) => `[${duration(seconds * scale)}]`, seconds: (seconds) => seconds * scale }
}

function duration(seconds: number): string {
  return Number.isInteger(seconds) ? `${seconds}s` : `${Math.ceil(seconds * 1_000)}ms`
}
