import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOnSampler, BatchSpanProcessor, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace'
import type { SpanContext } from '../../contracts/trace-context.ts'
import type { Logger } from '../process/log.ts'
import type { FinishedSpan } from './trace.ts'

/** A batch of reservations that failed or was slow links to each of them. */
const LINKS_MAX = 1_024
/** Further spans are dropped, and the log says how many: a store of traces that is away costs no more than this. */
const QUEUE_MAX = 4_096
/** How long a span waits for others. */
const DELAY_MS = 1_000

/** Sends spans by OTLP over HTTP; the headers come from OTEL_EXPORTER_OTLP_HEADERS. */
export function exportSpans(service: string, endpoint: string, log: Logger) {
  // What a store refuses, or does not take in time, is lost.
  const warn = (message: string) => log.warn({ detail: message }, 'spans were not exported')
  const ignore = () => {}
  diag.setLogger(
    { error: warn, warn, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
  const ids = new GivenIds()
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.namespace': 'seckill',
      'service.name': service,
      'process.pid': process.pid,
    }),
    // Only spans that are to be exported get here.
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
    spanLimits: { linkCountLimit: LINKS_MAX },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }),
        maxQueueSize: QUEUE_MAX,
        scheduledDelayMillis: DELAY_MS,
      }),
    ],
  })
  const tracer = provider.getTracer('seckill')

  return {
    add: ({
      traceId,
      spanId,
      parentSpanId,
      name,
      kind = 'INTERNAL',
      attributes = {},
      links,
      ...span
    }: FinishedSpan): void => {
      ids.next = { traceId, spanId }
      const parent = parentSpanId === undefined ? undefined : remote({ traceId, spanId: parentSpanId })
      const started = tracer.startSpan(
        name,
        {
          kind: SpanKind[kind],
          startTime: span.startMs,
          attributes,
          links: links.map((context) => ({ context: remote(context) })),
        },
        parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
      )
      if (span.error !== undefined) started.setStatus({ code: SpanStatusCode.ERROR, message: span.error })
      started.end(span.endMs)
    },
    close: () => provider.shutdown(),
  }
}

const remote = (context: SpanContext) => ({ ...context, traceFlags: TraceFlags.SAMPLED, isRemote: true })

/** The spans that others name as their parent have ids of their own choice. */
class GivenIds extends RandomIdGenerator {
  next: SpanContext = { traceId: '', spanId: '' }
  override generateTraceId = () => this.next.traceId
  override generateSpanId = () => this.next.spanId
}
