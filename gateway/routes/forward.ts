import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { pipeline } from 'node:stream'
import type { Express, Request, Response } from 'express'
import { readBody } from '../../core/platform/http/json-body.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { sendProblem } from '../../core/platform/http/problem.ts'
import type { Trace } from '../../core/platform/tracing/trace.ts'
import { traceFields, traceOf } from '../../core/platform/tracing/trace-request.ts'
import { traceparentOf } from '../../core/contracts/trace-context.ts'

const ANSWER_LIMIT_MS = 10_000
/** Idle connections are closed after this time, well before the order service would close them. */
const IDLE_LIMIT_MS = 15_000
/** Most buyers' requests of one process in flight to the order service; more wait here. */
const MAX_SOCKETS = 100
/** The provider's own, so that money is counted while buyers occupy all of theirs. */
const MAX_SOCKETS_OF_PROVIDER = 20

const FORWARDED = /^\/(orders|payments|me)\//
const CALLBACK = '/payments/callback'
const METHODS = new Set(['GET', 'HEAD', 'POST'])
/** Of one connection (RFC 9110, 7.6.1); host and the framing of the body are ours. */
const OF_ONE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
  'host',
])
/** A buyer's: the order service trusts what it gets. */
const OF_TRACES = new Set(['traceparent', 'tracestate'])

/**
 * Forwards /orders, /payments and /me to the order service, bodies byte for byte (a payment callback is signed over
 * its raw body). Each body is read whole first: otherwise a hundred slow senders would occupy all connections, and a
 * body with lost framing would be read as the next buyer's request (request smuggling).
 */
export function forwardTo(app: Express, orderServiceUrl: string, log: Logger): void {
  const ofBuyers = connectionsTo(new URL(orderServiceUrl), MAX_SOCKETS)
  const ofProvider = connectionsTo(new URL(orderServiceUrl), MAX_SOCKETS_OF_PROVIDER)
  app.all(FORWARDED, async (req, res) => {
    if (!METHODS.has(req.method)) {
      return sendProblem(res, 'METHOD_NOT_ALLOWED', `There is no ${req.method} ${req.path} here.`, {}, [
        'Allow',
        [...METHODS].join(', '),
      ])
    }
    const body = await readBody(req)
    try {
      passOn(await (req.path === CALLBACK ? ofProvider : ofBuyers)(req, res, body), res)
    } catch (error) {
      if (res.closed) return // The client is gone.
      log.warn({ err: (error as Error).message, ...traceFields(res) }, 'order service not reached')
      sendProblem(res, 'UNAVAILABLE', 'Orders cannot be reached right now; try again in a moment.', {
        retryAfterSeconds: 2,
      })
    }
  })
}

/** Rejects when the answer is not there within the limit, which includes waiting for a connection. */
type Ask = (req: Request, res: Response, body: Buffer) => Promise<IncomingMessage>

function connectionsTo(url: URL, maxSockets: number): Ask {
  const { Agent, request } = url.protocol === 'https:' ? https : http
  // Without the brackets of an IPv6 address.
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  // Node would verify the certificate against the header Host.
  const servername = isIP(hostname) ? '' : hostname
  const agent = new Agent({ keepAlive: true, maxSockets, timeout: IDLE_LIMIT_MS })
  const target: https.RequestOptions = { protocol: url.protocol, hostname, port: url.port, agent, servername }
  const folder = url.pathname.replace(/\/$/, '')
  return (req, res, body) =>
    new Promise((resolve, reject) => {
      const asked = request({
        ...target,
        method: req.method,
        path: folder + pathOf(req),
        headers: forwardedHeaders(req, body, traceOf(res)),
      })
      const limit = setTimeout(
        () => asked.destroy(new Error(`No answer within ${ANSWER_LIMIT_MS} ms`)),
        ANSWER_LIMIT_MS,
      )
      asked
        .on('response', resolve)
        .on('error', reject)
        .on('close', () => clearTimeout(limit))
        .end(body)
      res.once('close', () => asked.destroy())
    })
}

/** Unresolved: /orders/../metrics would otherwise leave /orders. */
function pathOf(req: Request): string {
  const query = req.url.indexOf('?')
  return query === -1 ? req.path : req.path + req.url.slice(query)
}

function forwardedHeaders(
  req: Request,
  body: Buffer,
  trace: Trace | undefined,
): Record<string, string | string[] | undefined> {
  const headers = Object.entries(req.headers).filter(([name]) => !OF_ONE_CONNECTION.has(name) && !OF_TRACES.has(name))
  return {
    ...Object.fromEntries(headers),
    ...(trace && { traceparent: traceparentOf(trace.context) }),
    'x-forwarded-for': req.ip ?? '',
    // Also for length 0: without it Node would send a POST in chunks.
    'content-length': String(body.length),
  }
}

function passOn(answer: IncomingMessage, res: Response): void {
  const headers = Object.entries(answer.headers).filter(
    ([name]) => name === 'content-length' || !OF_ONE_CONNECTION.has(name),
  )
  res.writeHead(answer.statusCode ?? 502, Object.fromEntries(headers))
  // A failure from here on breaks the client's connection, which shows that the answer is incomplete.
  pipeline(answer, res, () => {})
}
