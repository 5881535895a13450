import { z } from 'zod'
import type { StorySpan, StoryView } from '../contracts/control-room.ts'
import { traceIdOf } from '../contracts/trace-context.ts'

/** What Jaeger answers at /api/traces/:id; times in µs. */
const Traces = z.object({
  data: z.array(
    z.object({
      spans: z.array(
        z.object({
          operationName: z.string(),
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

/** A person waits for it; Jaeger answers within some 10 ms. */
const ANSWER_LIMIT_MS = 10_000

/**
 * The same stories with the spans of their traces, oldest first; without where the store has none.
 * @param storeUrl of Jaeger's query service
 * @throws when it does not answer in time, or not as Jaeger does
 */
export async function addSpans(stories: StoryView[], storeUrl: string): Promise<StoryView[]> {
  return await Promise.all(
    stories.map(async (story) => {
      const spans = await readSpans(storeUrl, traceIdOf(story.reservationId))
      return spans.length > 0 ? { ...story, spans } : story
    }),
  )
}

async function readSpans(storeUrl: string, traceId: string): Promise<StorySpan[]> {
  const answer = await fetch(`${storeUrl}/api/traces/${traceId}`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
  if (answer.status === 404) return [] // Not of the sampled share, or too old.
  if (!answer.ok) throw new Error(`The trace store at ${storeUrl} answered ${answer.status}`)
  const { data } = Traces.parse(await answer.json())
  return data
    .flatMap(({ spans, processes }) =>
      spans.map(({ operationName, startTime, duration, processID, tags }) => ({
        at: new Date(startTime / 1_000).toISOString(),
        ms: duration / 1_000,
        service: processes[processID]?.serviceName ?? '',
        name: operationName,
        failed: tags.some(({ key, value }) => key === 'error' && value === true),
      })),
    )
    .sort((one, other) => one.at.localeCompare(other.at))
}
