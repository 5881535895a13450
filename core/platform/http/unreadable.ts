import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '../../contracts/problems.ts'
import { type HeaderList, problemOf } from './problem.ts'

/** Time for the client to read the answer: closing at once with unread input would send a reset and lose it. */
const LINGER_MS = 1_000

type Refusal = [code: ProblemCode, detail: string]
const refusals: Record<string, Refusal> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'All headers together may have 16 KB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['TOO_LARGE', 'The extensions of a chunk are too long; leave them out.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['TIMED_OUT', 'Send the headers within 10 s, and the whole request within 20 s.'],
}
const NOT_HTTP: Refusal = ['INVALID_REQUEST', 'This could not be parsed as an HTTP/1.1 request.']

/**
 * Answers requests that Node's parser rejects with a problem document, and closes their connection. Pipelined requests
 * before them are answered first: a refusal in front of their answers would be read as the first of these.
 */
export function refuseUnreadable(server: Server, headers: HeaderList): void {
  const refused = new WeakSet<Duplex>()
  function refuseOnce(socket: Duplex, refusal: Refusal, more: HeaderList, broken?: IncomingMessage): void {
    if (refused.has(socket)) return // The parser reports an error again for every later chunk.
    refused.add(socket)
    afterEarlierAnswers(socket, broken, () => refuse(socket, refusal, more))
  }

  server.on('clientError', (error: NodeJS.ErrnoException, socket: ParsedSocket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) endSocket(socket)
    else refuseOnce(socket, refusals[error.code ?? ''] ?? NOT_HTTP, headers, unfinished(socket))
  })
  server.on('connect', (req: IncomingMessage, socket) => {
    refuseOnce(
      socket,
      ['METHOD_NOT_ALLOWED', `There is no ${req.method} here.`],
      ['Allow', 'GET, HEAD, POST', ...headers],
    )
  })
}

/** Internal fields of Node's sockets without a public name; Node's own error handler reads the first. */
interface ParsedSocket extends Duplex {
  /** The answer that is under way; with pipelining, the first of the queued ones. */
  _httpMessage?: ServerResponse | null
  parser?: { incoming?: IncomingMessage | null } | null
}

/** The request with the fault in its body. Its handler waits for the rest, which never comes. */
function unfinished({ parser }: ParsedSocket): IncomingMessage | undefined {
  return parser?.incoming && !parser.incoming.complete ? parser.incoming : undefined
}

function afterEarlierAnswers(socket: ParsedSocket, broken: IncomingMessage | undefined, then: () => void): void {
  const underWay = socket._httpMessage
  if (!socket.writable) endSocket(socket)
  else if (!underWay) then()
  // Part of its answer is already sent: a problem document would be read as the rest of that answer.
  else if (underWay.req === broken && underWay.headersSent) socket.destroy()
  else if (underWay.req === broken) then()
  // When this answer closes, Node has made the next queued one `_httpMessage`.
  else underWay.once('close', () => afterEarlierAnswers(socket, broken, then))
}

/** A socket that is already ending still has an answer to flush. */
function endSocket(socket: Duplex): void {
  if (socket.writableEnded) destroySoon(socket)
  else socket.destroy()
}

function destroySoon(socket: Duplex): void {
  setTimeout(() => socket.destroy(), LINGER_MS).unref()
}

function refuse(socket: Duplex, [code, detail]: Refusal, headers: HeaderList): void {
  const problem = problemOf(code, detail)
  const body = JSON.stringify(problem)
  const pairs = [
    'Content-Type',
    'application/problem+json; charset=utf-8',
    'Connection',
    'close',
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...headers,
  ]
  const lines = pairs.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${pairs[i + 1]}`] : []))
  socket.end([`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`, ...lines, '', body].join('\r\n'))
  destroySoon(socket)
}
