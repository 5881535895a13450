import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '../contracts/problems.ts'
import { type HeaderList, problemOf } from './problem.ts'

/** Then whoever was refused has read why. Closed at once, with bytes of theirs unread, the answer would be lost. */
const LINGER_MS = 1_000

type Refusal = [code: ProblemCode, detail: string]
const refusals: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'All headers together may have 16 KB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['TOO_LARGE', 'The extensions of a chunk are too long; leave them out.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['TIMED_OUT', 'Send the headers within 10 s, and the whole request within 20 s.'],
}
const NOT_HTTP: Refusal = ['INVALID_REQUEST', 'This could not be read as a request of HTTP/1.1.']

/** What Node itself refuses, before there is a request to answer, gets a problem document as well, and its connection ends. */
export function refuseUnreadable(server: Server, headers: HeaderList): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // With a part of another answer on its way, or nobody there, no word of ours would be understood.
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) socket.destroy()
    else refuse(socket, refusals[error.code ?? ''] ?? NOT_HTTP, headers)
  })
  server.on('connect', (req: IncomingMessage, socket) => {
    refuse(socket, ['METHOD_NOT_ALLOWED', `There is no ${req.method} here.`], ['Allow', 'GET, HEAD, POST', ...headers])
  })
}

/** Node's own handler looks at the same field, which has no public name. */
function isAnswering(socket: Duplex): boolean {
  return (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true
}

function refuse(socket: Duplex, [code, detail]: Refusal, headers: HeaderList): void {
  const problem = problemOf(code, detail)
  const body = JSON.stringify(problem)
  const pairs = ['Content-Type', 'application/problem+json; charset=utf-8', 'Connection', 'close', 'Content-Length', String(Buffer.byteLength(body)), ...headers]
  const lines = pairs.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${pairs[i + 1]}`] : [])
  socket.end([`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n'))
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}
