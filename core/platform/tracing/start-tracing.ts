import type { Closers } from '../process/closers.ts'
import type { Logger } from '../process/log.ts'
import { setTracer } from './trace.ts'

export interface TracingConfig {
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  TRACE_SAMPLE_RATE: number
  TRACE_SLOW_MS: number
}

/** Traces this process when it is told where to send its spans. OpenTelemetry's packages are loaded only then. */
export async function startTracing(
  service: string,
  config: TracingConfig,
  log: Logger,
  closers: Closers,
): Promise<void> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, TRACE_SAMPLE_RATE, TRACE_SLOW_MS: slowMs } = config
  if (endpoint === undefined) return
  const { exportSpans } = await import('./export-spans.ts')
  const { add, close } = exportSpans(service, endpoint, log)
  setTracer({ add, slowMs, isSampled: sampler(TRACE_SAMPLE_RATE) })
  closers.add('tracing', async () => {
    setTracer(undefined)
    await close()
  })
  log.info({ endpoint, sampleRate: TRACE_SAMPLE_RATE, slowMs }, 'traces are exported')
}

/** By the trace id, so that all services export the same traces without being told. */
function sampler(rate: number): (traceId: string) => boolean {
  const below = rate * 2 ** 32
  return (traceId) => Number.parseInt(traceId.slice(-8), 16) < below
}
