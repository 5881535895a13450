/**
 * Usage: npm run loadtest [-- [SCENARIO] [--report] [flags of k6]]
 *   SCENARIO   smoke (when left out), load, spike, opening, stress, soak or breakpoint; loadtest/README.md says what each asks
 *   --report   shows charts at http://localhost:5665 meanwhile, and keeps them as loadtest/results/<scenario>.html
 *   --prometheus   writes the results to the Prometheus of npm run observe, or of PROMETHEUS_URL
 * Runs k6 against the running npm start. RATE, STOCK, DURATION and the like in the environment give another size.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import process from 'node:process'
import { refuse } from '../core/platform/process/command-line.ts'
import { findK6 } from './find-k6.ts'

const SCENARIOS = ['smoke', 'load', 'spike', 'opening', 'stress', 'soak', 'breakpoint']
const RESULTS = 'loadtest/results'
/** CI takes it for "k6 is unavailable here". */
const EX_UNAVAILABLE = 69
/** Of k6: it ran to its end, and a threshold was crossed. */
const THRESHOLDS_CROSSED = 99

const [scenario = 'smoke', ...flags] = process.argv.slice(2)
if (!SCENARIOS.includes(scenario))
  refuse(`There is no scenario "${scenario}"; expected one of ${SCENARIOS.join(', ')}.`)
const system = process.env.GATEWAY_URL ? {} : runningSystem()
const wantsReport = flags.includes('--report')
const reporting = wantsReport
  ? { K6_WEB_DASHBOARD: 'true', K6_WEB_DASHBOARD_EXPORT: `${RESULTS}/${scenario}.html`, K6_WEB_DASHBOARD_PERIOD: '1s' }
  : {}
const wantsPrometheus = flags.includes('--prometheus')
const PROMETHEUS_URL = process.env.PROMETHEUS_URL || `http://127.0.0.1:${process.env.PROMETHEUS_PORT || 9_090}`
const writing = wantsPrometheus
  ? {
      K6_PROMETHEUS_RW_SERVER_URL: `${PROMETHEUS_URL}/api/v1/write`,
      K6_PROMETHEUS_RW_TREND_STATS: 'p(50),p(95),p(99),max',
      K6_PROMETHEUS_RW_STALE_MARKERS: 'true',
    }
  : {}
const env = { ...process.env, ...system, ...reporting, ...writing }
mkdirSync(RESULTS, { recursive: true })
rmSync(`${RESULTS}/${scenario}.json`, { force: true })

const [command, ...before] =
  findK6(env) ??
  stop(
    'k6 is not here: put it on your PATH (https://grafana.com/docs/k6), or install Go 1.26 or newer, or start Docker, and run this again.',
    EX_UNAVAILABLE,
  )
// Progress bars on a terminal only.
const quiet = process.stdout.isTTY ? [] : ['--quiet']
const args = [
  ...before,
  'run',
  '--log-format',
  'raw',
  ...quiet,
  ...(wantsPrometheus ? ['--out', 'experimental-prometheus-rw'] : []),
  ...flags.filter((flag) => flag !== '--report' && flag !== '--prometheus'),
  `loadtest/${scenario}.ts`,
]
const { status } = spawnSync(command, args, { stdio: 'inherit', env })
console.log(`Figures: ${RESULTS}/${scenario}.json${wantsReport ? `, report: ${RESULTS}/${scenario}.html` : ''}`)
process.exitCode = status === THRESHOLDS_CROSSED && hasPassed() ? 0 : (status ?? 1)

/** `breakpoint` ends by crossing a threshold and may have passed all the same: its summary says so. */
function hasPassed(): boolean {
  try {
    return (JSON.parse(readFileSync(`${RESULTS}/${scenario}.json`, 'utf8')) as { passed: boolean }).passed
  } catch {
    return false // It ended before it wrote a summary.
  }
}

/** The addresses and secrets of the running `npm start`. */
function runningSystem(): Record<string, string> {
  try {
    const lines = execFileSync('npm', ['run', '-s', 'urls'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .trim()
      .split('\n')
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
  } catch {
    return stop(
      'Nothing runs here to be loaded: npm start first, or set GATEWAY_URL and the other variables of loadtest/README.md.',
    )
  }
}

function stop(sentence: string, exitCode = 2): never {
  console.error(sentence)
  process.exit(exitCode)
}
