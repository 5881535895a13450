import { z } from 'zod'
import type { StorySpan, StoryTrace, StoryView } from '../contracts/control-room.ts'
import { traceIdOf } from '../contracts/trace-context.ts'
import { groupBy } from '../platform/batches/divide.ts'

/** What Jaeger answers at /api/traces/:id; times in µs. */
const Traces = z.object({
  data: z.array(
    z.object({
      spans: z.array(
        z.object({
          spanID: z.string(),
          operationName: z.string(),
          references: z.array(z.object({ refType: z.string(), spanID: z.string() })).default([]),
          startTime: z.number(),
          duration: z.number(),
          processID: z.string(),
          tags: z.array(z.object({ key: z.string(), value: z.unknown() })).default([]),
        }),
      ),
      processes: z.record(z.string(), z.object({ serviceName: z.string() })),
    }),
  ),
})

type JaegerSpan = z.output<typeof Traces>['data'][number]['spans'][number]

/** A person waits for it; Jaeger answers within some 10 ms. */
const ANSWER_LIMIT_MS = 10_000

/**
 * The same stories with the spans of their traces; without where the store has none.
 * @param storeUrl of Jaeger's query service
 * @throws when it does not answer in time, or not as Jaeger does
 */
export async function addSpans(stories: StoryView[], storeUrl: string): Promise<StoryView[]> {
  return await Promise.all(
    stories.map(async (story) => {
      const trace = await readTrace(storeUrl, traceIdOf(story.reservationId))
      return trace ? { ...story, trace } : story
    }),
  )
}

async function readTrace(storeUrl: string, id: string): Promise<StoryTrace | undefined> {
  const answer = await fetch(`${storeUrl}/api/traces/${id}`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  if (answer.status === 404) return undefined // Not of the sampled share, or too old.
  if (!answer.ok) throw new Error(`The trace store at ${storeUrl} answered ${answer.status}`)
  const { data } = Traces.parse(await answer.json())
  const spans = data.flatMap((each) =>
    inTree(each.spans).map(({ span, depth }) => viewOf(span, each.processes[span.processID]?.serviceName ?? '', depth)),
  )
  return spans.length > 0 ? { id, spans } : undefined
}

/** Each span before its children, siblings by their start; one whose parent was not exported stands at the top. */
function inTree(spans: JaegerSpan[]): { span: JaegerSpan; depth: number }[] {
  const ids = new Set(spans.map(({ spanID }) => spanID))
  const children = groupBy(
    spans.toSorted((one, other) => one.startTime - other.startTime),
    ({ references }) => references.find(({ refType, spanID }) => refType === 'CHILD_OF' && ids.has(spanID))?.spanID,
  )
  const under = (parent: string | undefined, depth: number): { span: JaegerSpan; depth: number }[] =>
    (children.get(parent) ?? []).flatMap((span) => [{ span, depth }, ...under(span.spanID, depth + 1)])
  return under(undefined, 0)
}

const viewOf = (
  { operationName, startTime, duration, tags }: JaegerSpan,
  service: string,
  depth: number,
): StorySpan => ({
  at: new Date(startTime / 1_000).toISOString(),
  ms: duration / 1_000,
  service,
  name: operationName,
  failed: tags.some(({ key, value }) => key === 'error' && value === true),
  depth,
})
