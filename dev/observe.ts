/**
 * Usage: npm run observe
 * Starts Prometheus with the alerts beside the running npm start, on this machine only, until Ctrl-C. PROMETHEUS_PORT
 * chooses its port.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { commandLine } from '../core/platform/process/command-line.ts'
import { alertRules } from '../deploy/observability/rules.ts'
import { isRunning, readRun } from './run-file.ts'
import { ensureBinaries } from './servers/binaries.ts'
import { dataFolder } from './servers/data-folder.ts'
import { claimPorts } from './servers/ports.ts'
import { startPrometheus } from './servers/prometheus.ts'
import { SERVICES, variable } from './services.ts'

const PORT = 9_090

commandLine()
try {
  await observe()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

async function observe(): Promise<void> {
  const folder = await dataFolder()
  const run = readRun(folder)
  if (!run || !isRunning(run) || Object.keys(run.urls).length === 0)
    throw new Error('Nothing runs here to be observed, or it is still starting. Start it with: npm start')
  await ensureBinaries(console.error, ['prometheus'])
  const port = Number(process.env.PROMETHEUS_PORT || PORT)
  await claimPorts([{ variable: 'PROMETHEUS_PORT', port }])
  const { urls } = run
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  const prometheus = await startPrometheus({
    dataDir: join(folder, 'prometheus'),
    port,
    jobs: SERVICES.flatMap(({ name }) => {
      const url = urls[variable(name, 'URL')]
      return url ? [{ job: name, at: { address: new URL(url).host } }] : []
    }),
    interval: '5s',
    rules: alertRules(),
    token: urls.METRICS_TOKEN,
    signal: stop.signal,
  })
  console.log(
    `Prometheus: ${prometheus.url}, its alerts: ${prometheus.url}/alerts. Ctrl-C stops it.\n` +
      `A load test writes there, too: npm run loadtest -- load --prometheus`,
  )
  const ended = prometheus.ended.then((why) => {
    if (!stop.signal.aborted) throw new Error(`Prometheus ended (${why}); its log: ${prometheus.logFile}`)
  })
  await Promise.race([once(stop.signal, 'abort'), ended])
  await prometheus.stop()
}
