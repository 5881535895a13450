import type { IncomingMessage } from 'node:http'
import type { RequestHandler } from 'express'
import { BODY_ADVICE, ProblemError } from './problem.ts'

const MAX_BYTES = 16_384
const JSON_IN_UTF8 = /^application\/json[ \t]*(;[ \t]*charset="?utf-?8"?[ \t]*)?$/i

/** Middleware that parses the JSON body into `req.body`. */
export function jsonBody(): RequestHandler {
  return async (req, _res, next) => {
    req.body = await readJson(req)
    next()
  }
}

/**
 * The JSON body, of at most 16 KB; an absent body reads as an empty object. One parser for Express and for the handlers
 * in front of it, where Express's own parser does not work.
 * @throws ProblemError UNSUPPORTED_MEDIA_TYPE, TOO_LARGE or INVALID_REQUEST.
 */
export async function readJson(req: IncomingMessage): Promise<unknown> {
  return parseJson(await readJsonText(req))
}

/** The text of the JSON body, not parsed yet. @throws ProblemError as `readJson` */
export async function readJsonText(req: IncomingMessage): Promise<string> {
  const { headers } = req
  const declared = Number(headers['content-length'] ?? 0)
  if (headers['transfer-encoding'] === undefined && declared === 0) {
    if (headers['content-type'] !== undefined)
      throw new ProblemError('INVALID_REQUEST', 'The body is empty; expected JSON.')
    return '{}'
  }
  if (!JSON_IN_UTF8.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined) {
    throw new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json in UTF-8, not compressed.')
  }
  return String(bodyAtHand(req, declared) ?? (await readBody(req)))
}

/** @throws ProblemError INVALID_REQUEST */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ProblemError('INVALID_REQUEST', 'The body could not be read; is it JSON?')
  }
}

/**
 * A body that came in one segment with its headers, as most do: read at once, a stream's events cost more. Nor is the
 * stream brought to its end, of which nobody wants to hear: a tenth of what a refusal or an accepted purchase costs.
 */
function bodyAtHand(req: IncomingMessage, declared: number): Buffer | undefined {
  if (declared === 0 || declared > MAX_BYTES || req.readableLength !== declared) return undefined
  return req.read() as Buffer
}

/** The raw body, of at most 16 KB. @throws ProblemError TOO_LARGE or INVALID_REQUEST */
export function readBody(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(req.headers['content-length']) > MAX_BYTES) return reject(new ProblemError('TOO_LARGE', BODY_ADVICE))
    const chunks: Buffer[] = []
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      // Keep draining: a client that is still sending would not read the answer.
      if (bytes > MAX_BYTES) reject(new ProblemError('TOO_LARGE', BODY_ADVICE))
      else chunks.push(chunk)
    })
    req.on('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    req.on('error', () => reject(new ProblemError('INVALID_REQUEST', 'The connection ended before the whole body.')))
  })
}
