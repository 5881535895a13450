import type { z } from 'zod'
import { ProblemError } from './problem.ts'

/** Where a page of a list ended, as a text that a caller hands back as it is. */
const cursorOf = (...place: (string | number)[]) => Buffer.from(JSON.stringify(place)).toString('base64url')

/** @throws ProblemError INVALID_REQUEST when the text is no cursor of this list. */
export function readCursor<Place extends z.ZodType>(
  place: Place,
  cursor: string | undefined,
): z.output<Place> | undefined {
  if (cursor === undefined) return undefined
  const read = place.safeParse(fromText(cursor))
  if (!read.success)
    throw new ProblemError(
      'INVALID_REQUEST',
      'cursor: expected the "next" of an earlier page of this list; leave it out to begin anew',
    )
  return read.data
}

function fromText(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** One row more than the page was read: whether there is another page, and where it begins. */
export function pageOf<Row>(
  rows: Row[],
  limit: number,
  placeOf: (last: Row) => (string | number)[],
): { rows: Row[]; next?: string } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return rows.length > limit && last !== undefined ? { rows: shown, next: cursorOf(...placeOf(last)) } : { rows: shown }
}
