import { z } from 'zod'

/** Query of a paginated list. */
export const PageRequest = z.object({
  limit: z
    .string()
    .regex(/^([1-9]\d?|1\d\d|200)$/, 'expected 1 to 200')
    .transform(Number)
    .optional()
    .describe('entries per page; default 100'),
  cursor: z
    .string()
    .regex(/^[\w-]{1,400}$/, 'expected the "next" of an earlier page')
    .optional()
    .describe('the "next" of the page before'),
})
export const PAGE_LIMIT = 100
