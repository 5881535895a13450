import { z } from 'zod'
import type { CallbackReading } from './provider.ts'

/** The body of a callback whose signature was right. */
export function parseCallback<T>(
  schema: z.ZodType<T>,
  rawBody: Buffer,
): { parsed: T } | (CallbackReading & { outcome: 'UNREADABLE' }) {
  let json: unknown
  try {
    json = JSON.parse(rawBody.toString('utf8'))
  } catch {
    return { outcome: 'UNREADABLE', detail: `The body could not be parsed as JSON (${rawBody.length} bytes).` }
  }
  const parsed = schema.safeParse(json)
  return parsed.success ? { parsed: parsed.data } : { outcome: 'UNREADABLE', detail: z.prettifyError(parsed.error) }
}
