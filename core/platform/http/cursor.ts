import type { z } from 'zod'
import { ProblemError } from './problem.ts'

/** Encodes the position of a page's last row as an opaque text. */
const cursorOf = (...place: (string | number)[]) => Buffer.from(JSON.stringify(place)).toString('base64url')

/** Decodes a cursor. @throws ProblemError INVALID_REQUEST when the text is no cursor of this list. */
export function readCursor<Place extends z.ZodType>(
  place: Place,
  cursor: string | undefined,
): z.output<Place> | undefined {
  if (cursor === undefined) return undefined
  const read = place.safeParse(fromText(cursor))
  if (!read.success)
    throw new ProblemError(
      'INVALID_REQUEST',
      'cursor: expected the "next" of an earlier page of this list; leave it out for the first page',
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

/** Cuts `limit` rows off a query for `limit` + 1 rows; the extra row shows that there is another page. */
export function pageOf<Row>(
  rows: Row[],
  limit: number,
  placeOf: (last: Row) => (string | number)[],
): { rows: Row[]; next?: string } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return rows.length > limit && last !== undefined ? { rows: shown, next: cursorOf(...placeOf(last)) } : { rows: shown }
}
