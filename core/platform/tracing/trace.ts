import { randomBytes } from 'node:crypto'
import { rootOf, type SpanContext } from '../../contracts/trace-context.ts'

/**
 * What the services call to be traced. Spans are made when a request or a batch has ended, since only then it is known
 * whether they are exported: a trace of the sampled share, or one that failed or was slow. While tracing is off, nothing
 * is noted, and OpenTelemetry's packages are not loaded.
 */

export type Attributes = Record<string, string | number | boolean | undefined>
export type SpanKind = 'INTERNAL' | 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER'

/** What a piece of work is called, by OpenTelemetry's semantic conventions. */
export interface Described {
  name: string
  kind?: SpanKind
  attributes?: Attributes
}

/** A span that has ended. */
export interface FinishedSpan extends Described, SpanContext {
  parentSpanId: string | undefined
  startMs: number
  endMs: number
  links: SpanContext[]
  /** What went wrong; absent when nothing did. */
  error?: string | undefined
}

/** Of a batch: what it did for one reservation, a span in that one's trace. */
export interface Item {
  parent: SpanContext
  /** Random unless others have to name it. */
  spanId?: string
  describe: () => Described
}

export interface Tracer {
  /** The same answer in every service. */
  isSampled: (traceId: string) => boolean
  slowMs: number
  add: (span: FinishedSpan) => void
}

let tracer: Tracer | undefined

/** Of this process; undefined switches tracing off. */
export function setTracer(next: Tracer | undefined): void {
  tracer = next
}

export const isTracing = () => tracer !== undefined

/** Begins to note the work of one request or one batch; undefined while tracing is off. */
export const beginTrace = (): Trace | undefined => tracer && new Trace(tracer)

/** Does the work, as a step of the trace where there is one. */
export const step = <T>(trace: Trace | undefined, described: Described, work: () => Promise<T>): Promise<T> =>
  trace ? trace.step(described, work) : work()

/** Does the work of one batch and traces it; `describe` is called with its result, or with undefined when it failed. */
export async function traceBatch<T>(
  work: (trace: Trace | undefined) => Promise<T>,
  describe: (result: T | undefined) => Described & { items: Item[] },
): Promise<T> {
  const trace = beginTrace()
  if (!trace) return await work(undefined)
  try {
    const result = await work(trace)
    trace.end(describe(result))
    return result
  } catch (error) {
    trace.failed(error)
    trace.end(describe(undefined))
    throw error
  }
}

/** With fractions. */
const nowMs = () => performance.timeOrigin + performance.now()
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const newId = (bytes: 8 | 16) => randomBytes(bytes).toString('hex')

/** The work of one request or one batch, and its steps. */
export class Trace {
  readonly #tracer: Tracer
  readonly #startMs = nowMs()
  readonly #steps: (Described & { startMs: number; endMs: number; error: string | undefined })[] = []
  #context: SpanContext | undefined
  #parentSpanId: string | undefined
  #links: SpanContext[] = []
  #error: string | undefined
  #endMs: number | undefined

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** What others name as their parent. */
  get context(): SpanContext {
    this.#context ??= { traceId: newId(16), spanId: newId(8) }
    return this.#context
  }

  /** It is the purchase itself, under which everything else stands that happens to the reservation. */
  begins(reservationId: string): void {
    this.#context = rootOf(reservationId)
  }

  /** It is about this reservation: its span stands in that one's trace. */
  isAbout(reservationId: string): void {
    this.#isPartOf(rootOf(reservationId))
  }

  /** Of a caller that is trusted; kept as a link when it turns out to be about a reservation. */
  calledBy(caller: SpanContext): void {
    this.#isPartOf(caller)
    this.link(caller)
  }

  #isPartOf({ traceId, spanId }: SpanContext): void {
    this.#context = { traceId, spanId: newId(8) }
    this.#parentSpanId = spanId
  }

  link(context: SpanContext): void {
    this.#links.push(context)
  }

  /** A failed step does not yet mean that the whole failed, but the trace is exported. */
  async step<T>(described: Described, work: () => Promise<T>): Promise<T> {
    const startMs = nowMs()
    const note = (error?: unknown) =>
      this.#steps.push({
        ...described,
        startMs,
        endMs: nowMs(),
        error: error === undefined ? undefined : messageOf(error),
      })
    try {
      const result = await work()
      note()
      return result
    } catch (error) {
      note(error ?? 'failed')
      throw error
    }
  }

  failed(error: unknown): void {
    this.#error = messageOf(error)
  }

  /** The work is over; what comes before `end` takes no time of it. */
  stop(): void {
    this.#endMs ??= nowMs()
  }

  /**
   * Exports the spans, or forgets them.
   * @param mayBeSlow whether it takes long by design, unless it was stopped before that
   */
  end({ items, mayBeSlow = false, ...described }: Described & { items?: Item[]; mayBeSlow?: boolean }): void {
    const isStopped = this.#endMs !== undefined
    this.stop()
    const { slowMs, isSampled } = this.#tracer
    const endMs = this.#endMs ?? this.#startMs
    const isOdd =
      this.#error !== undefined ||
      this.#steps.some(({ error }) => error !== undefined) ||
      ((isStopped || !mayBeSlow) && endMs - this.#startMs >= slowMs)
    const sampled = items?.filter(({ parent }) => isSampled(parent.traceId))
    if (!isOdd && !(sampled ? sampled.length > 0 : isSampled(this.context.traceId))) return

    const { context } = this
    const times = { startMs: this.#startMs, endMs }
    const linked = isOdd ? items : sampled
    this.#tracer.add({
      ...described,
      ...context,
      ...times,
      parentSpanId: this.#parentSpanId,
      links: [
        ...this.#links.filter(({ spanId }) => spanId !== this.#parentSpanId),
        ...(linked ?? []).map(({ parent }) => parent),
      ],
      error: this.#error,
    })
    for (const noted of this.#steps)
      this.#tracer.add({
        ...noted,
        traceId: context.traceId,
        spanId: newId(8),
        parentSpanId: context.spanId,
        links: [],
      })
    for (const { parent, spanId = newId(8), describe } of sampled ?? [])
      this.#tracer.add({
        ...describe(),
        ...times,
        traceId: parent.traceId,
        spanId,
        parentSpanId: parent.spanId,
        links: [context],
        error: this.#error,
      })
  }
}
