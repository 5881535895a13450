import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ProblemCode } from '../../contracts/problems.ts'
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

/**
 * What Node itself refuses, before there is a request to answer, gets a problem document as well, and its connection
 * ends. Requests that came before it on the connection are answered first: a refusal in front of their answers would be
 * taken for the first of them.
 */
export function refuseUnreadable(server: Server, headers: HeaderList): void {
  const refused = new WeakSet<Duplex>()
  function refuseOnce(socket: Duplex, refusal: Refusal, more: HeaderList, broken?: IncomingMessage): void {
    if (refused.has(socket)) return // The parser complains again of every byte that follows.
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

/** Fields of Node's that have no public name; its own error handler looks at the first. */
interface ParsedSocket extends Duplex {
  /** The answer that is under way, or the first of those that wait for each other. */
  _httpMessage?: ServerResponse | null
  parser?: { incoming?: IncomingMessage | null } | null
}

/** The request in whose body the fault is. Its handler waits for the rest, which cannot come. */
function unfinished({ parser }: ParsedSocket): IncomingMessage | undefined {
  return parser?.incoming && !parser.incoming.complete ? parser.incoming : undefined
}

function afterEarlierAnswers(socket: ParsedSocket, broken: IncomingMessage | undefined, then: () => void): void {
  const underWay = socket._httpMessage
  if (!socket.writable) endSocket(socket)
  else if (!underWay) then()
  // With a part of its answer on the way, no word of ours would be understood.
  else if (underWay.req === broken && underWay.headersSent) socket.destroy()
  else if (underWay.req === broken) then()
  // The next answer is in its place by the time this one closes.
  else underWay.once('close', () => afterEarlierAnswers(socket, broken, then))
}

/** One that is ending already has an answer to send. */
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
