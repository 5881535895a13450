import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { prometheusConfig, type PrometheusOptions } from '../../deploy/observability/prometheus.ts'
import { startChild } from '../processes.ts'
import { pathOf } from './binaries.ts'
import { freePort } from './ports.ts'
import { waitUntilReady } from './ready.ts'
import type { RunningServer, ServerOptions } from './running-server.ts'

const STOP_LIMIT_MS = 20_000
const PROBE_LIMIT_MS = 5_000
const KEPT = '7d'

export interface PrometheusServerOptions extends ServerOptions, Omit<PrometheusOptions, 'rulesFile'> {
  /** As YAML. */
  rules: string
  /** METRICS_TOKEN of the services. */
  token?: string | undefined
}

/** A private Prometheus on loopback, which also takes what k6 writes to it. */
export async function startPrometheus(options: PrometheusServerOptions): Promise<Omit<RunningServer, 'version'>> {
  const { dataDir, rules, token, onStart, signal, progress, port = await freePort() } = options
  await mkdir(dataDir, { recursive: true })
  const [configFile, rulesFile] = [join(dataDir, 'prometheus.yml'), join(dataDir, 'alerts.yml')]
  await writeFile(rulesFile, rules)
  const tokenFile = token === undefined ? undefined : join(dataDir, 'token')
  if (tokenFile && token) await writeFile(tokenFile, token, { mode: 0o600 })
  await writeFile(
    configFile,
    prometheusConfig({ ...options, jobs: options.jobs.map((job) => ({ ...job, tokenFile })), rulesFile }),
  )
  const child = startChild({
    command: pathOf('prometheus'),
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${join(dataDir, 'data')}`,
      `--storage.tsdb.retention.time=${KEPT}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
    ],
    logFile: join(dataDir, 'prometheus.log'),
    graceMs: STOP_LIMIT_MS,
  })
  onStart?.('prometheus', child)
  const url = `http://127.0.0.1:${port}`
  const isReady = async () => (await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(PROBE_LIMIT_MS) })).ok
  await waitUntilReady(isReady, { name: 'Prometheus', child, signal, progress })
  return { ...child, url }
}
