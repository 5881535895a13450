import { z } from 'zod'
import { ChangeView } from './operations.ts'
import { ReservationView } from './purchases.ts'

/** Every problem that a caller can receive: its stable `code`, HTTP status and title (RFC 9457). */
export const problems = {
  INVALID_REQUEST: { status: 400, title: 'The request is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'Sign in first' },
  FORBIDDEN: { status: 403, title: 'Not allowed' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  TIMED_OUT: { status: 408, title: 'The request took too long to arrive' },
  TOO_LARGE: { status: 413, title: 'The request is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Send application/json' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large' },
  NOT_STARTED: { status: 403, title: 'The sale has not started' },
  ENDED: { status: 403, title: 'The sale has ended' },
  STOPPED: { status: 403, title: 'The sale is stopped for the moment' },
  NOT_ELIGIBLE: { status: 403, title: 'You cannot take part in this sale' },
  ADMISSION_REQUIRED: { status: 403, title: 'Wait until you are admitted' },
  ADMISSION_INVALID: { status: 403, title: 'The admission is not valid' },
  ADMISSION_OF_ANOTHER: { status: 403, title: 'The admission is of another buyer or sale' },
  ADMISSION_EXPIRED: { status: 403, title: 'The admission has expired' },
  ADMISSION_USED: { status: 403, title: 'The admission is used' },
  REGISTRATION_CLOSED: { status: 403, title: 'Registration for the draw is closed' },
  TICKET_REQUIRED: { status: 403, title: 'A purchase needs a ticket' },
  TICKET_INVALID: { status: 403, title: 'The ticket is not ours' },
  TICKET_OF_ANOTHER: { status: 403, title: 'The ticket is for another purchase' },
  TICKET_EXPIRED: { status: 403, title: 'The ticket has expired' },
  TICKET_USED: { status: 403, title: 'The ticket is used' },
  TICKETS_NOT_YET: { status: 403, title: 'No tickets are given yet' },
  TICKET_REFUSED: { status: 403, title: 'No ticket for this account' },
  PROOF_REQUIRED: { status: 403, title: 'A ticket needs proof of work' },
  PROOF_INVALID: { status: 403, title: 'The proof of work is not valid' },
  LAPSED: { status: 429, title: 'Too many orders were not paid' },
  LIMIT_REACHED: { status: 409, title: 'Above the limit per buyer' },
  KEY_REUSED: { status: 422, title: 'The key names another purchase' },
  SOLD_OUT: { status: 409, title: 'Sold out' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  BUSY: { status: 503, title: 'Busy, please try again' },
  UNAVAILABLE: { status: 503, title: 'Not available for a moment' },
  SALE_EXISTS: { status: 409, title: 'A sale of that id exists' },
  STOCK_IN_USE: { status: 409, title: 'More units are sold or held' },
  CHANGED_MEANWHILE: { status: 412, title: 'It was changed meanwhile' },
  VERSION_REQUIRED: { status: 428, title: 'Say which version you change' },
  NOT_READY: { status: 409, title: 'The order is not ready to be paid' },
  NOT_PAYABLE: { status: 409, title: 'The order cannot be paid' },
  NOT_CANCELLABLE: { status: 409, title: 'The order cannot be cancelled' },
  CROWD_RUNNING: { status: 409, title: 'Buyers are being simulated already' },
  LAB_RUNNING: { status: 409, title: 'A lab is running' },
  DEMO_ONLY: { status: 409, title: 'Only in a demo' },
  NOT_RUNNING: { status: 409, title: 'The process is not running' },
  BAD_SIGNATURE: { status: 401, title: 'The signature is not valid' },
  INTERNAL: { status: 500, title: 'Something went wrong on our side' },
} as const

export type ProblemCode = keyof typeof problems

/** RFC 9457, with a stable `code`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]),
  detail: z.string(),
  serverTime: z.iso.datetime().optional(),
  retryAfterSeconds: z.number().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  reservation: ReservationView.optional().describe('of KEY_REUSED: what the buyer holds under that key'),
  least: z.int().optional().describe('of STOCK_IN_USE: units that are sold or held'),
  changes: z.array(ChangeView).optional().describe('of CHANGED_MEANWHILE: what others have changed since'),
})
export type Problem = z.infer<typeof Problem>
