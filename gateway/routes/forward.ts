import { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Express, Request, RequestHandler } from 'express'
import { Pool } from 'undici'
import { readBody } from '../../core/platform/http/json-body.ts'
import type { Logger } from '../../core/platform/process/log.ts'
import { sendProblem } from '../../core/platform/http/problem.ts'
import { CALLBACKS_WAIT, type RequestKind, type RequestTurns } from '../../core/platform/http/request-turns.ts'
import type { TurnLimits } from '../../core/platform/limits/turns.ts'
import type { Trace } from '../../core/platform/tracing/trace.ts'
import { traceFields, traceOf } from '../../core/platform/tracing/trace-request.ts'
import { traceparentOf } from '../../core/contracts/trace-context.ts'

const ANSWER_LIMIT_MS = 10_000
/** A request whose client leaves while it connects waits for this limit. */
const CONNECT_LIMIT_MS = 2_000
/** Idle connections are closed after this time, well before the order service would close them. */
const KEPT_MS = 15_000
/** Requests of one process in flight to the order service, each kind on connections of its own. */
const AT_ONCE: Record<RequestKind, number> = { reading: 100, paying: 50, callback: 100 }
/** More wait for a connection; far shorter than ANSWER_LIMIT_MS, since they may wait in the order service again. */
const WAITING = { waitingMax: 1_000, waitMsMax: 1_000 }

/** Of one process. */
export const FORWARDING: Record<RequestKind, TurnLimits> = {
  reading: { ...WAITING, atOnce: AT_ONCE.reading },
  paying: { ...WAITING, atOnce: AT_ONCE.paying },
  callback: { ...CALLBACKS_WAIT, atOnce: AT_ONCE.callback },
}

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
 * Forwards /orders, /payments and /me to the order service, bodies of POST byte for byte (a payment callback is signed
 * over its raw body). Each body is read whole first: otherwise a hundred slow senders would occupy all connections, and
 * a body with lost framing would be read as the next buyer's request (request smuggling).
 */
export function forwardTo(app: Express, { orderServiceUrl, turns, log }: ForwardingDeps): void {
  const forwarded = (kind: RequestKind) =>
    turns[kind](forward(connectionsTo(new URL(orderServiceUrl), AT_ONCE[kind]), log))
  const byKind = { reading: forwarded('reading'), paying: forwarded('paying'), callback: forwarded('callback') }
  app.all(FORWARDED, readWhole, (req, res: Parameters<BodyHandler>[1], next) => byKind[kindOf(req)](req, res, next))
}

export interface ForwardingDeps {
  orderServiceUrl: string
  turns: Pick<RequestTurns, RequestKind>
  log: Logger
}

type BodyHandler = RequestHandler<Request['params'], unknown, unknown, Request['query'], { body: Buffer }>
type Forwarded = Pick<Request, 'method' | 'headers' | 'path' | 'url' | 'ip'>

const kindOf = (req: Forwarded): RequestKind =>
  req.path === CALLBACK ? 'callback' : req.method === 'POST' ? 'paying' : 'reading'

const readWhole: BodyHandler = async (req, res, next) => {
  if (!METHODS.has(req.method)) {
    return sendProblem(res, 'METHOD_NOT_ALLOWED', `There is no ${req.method} ${req.path} here.`, {}, [
      'Allow',
      [...METHODS].join(', '),
    ])
  }
  res.locals.body = await readBody(req)
  next()
}

function forward(ask: Ask, log: Logger): BodyHandler {
  return async (req, res) => {
    try {
      passOn(await ask(req, res, res.locals.body), res)
    } catch (error) {
      if (res.closed) return // The client is gone.
      log.warn({ err: (error as Error).message, ...traceFields(res) }, 'order service not reached')
      sendProblem(res, 'UNAVAILABLE', 'Orders cannot be reached right now; try again in a moment.', {
        retryAfterSeconds: 2,
      })
    }
  }
}

interface WholeAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Rejects when the whole answer is not there within the limit, which includes waiting for a connection. */
type Ask = (req: Forwarded, res: ServerResponse, body: Buffer) => Promise<WholeAnswer>

/** Answers are read whole, too, and sent in one piece: a stream for each would cost more than its few hundred bytes. */
function connectionsTo(url: URL, connections: number): Ask {
  const pool = new Pool(url.origin, {
    connections,
    connect: { timeout: CONNECT_LIMIT_MS },
    keepAliveTimeout: KEPT_MS,
    keepAliveMaxTimeout: KEPT_MS,
  })
  const folder = url.pathname.replace(/\/$/, '')
  return async (req, res, body) => {
    const ending = new Ending()
    const limit = setTimeout(() => ending.end(`No answer within ${ANSWER_LIMIT_MS} ms`), ANSWER_LIMIT_MS)
    const leave = () => ending.end('The client is gone')
    res.once('close', leave)
    try {
      const answer = await pool.request({
        method: req.method,
        path: folder + pathOf(req),
        headers: forwardedHeaders(req, traceOf(res)),
        body: req.method === 'POST' && body.length > 0 ? body : null,
        signal: ending,
        // undici would close the connection of a HEAD, in case an answer had a body.
        reset: false,
      })
      const { statusCode: status, headers } = answer
      return { status, headers, body: Buffer.from(await answer.body.arrayBuffer()) }
    } finally {
      clearTimeout(limit)
      res.off('close', leave)
    }
  }
}

/** Ends a request, as an AbortSignal does, whose exceptions would cost more than all the rest of the request. */
class Ending extends EventEmitter {
  reason: Error | undefined

  end(why: string): void {
    this.reason = new Error(why)
    this.emit('abort')
  }
}

/** Unresolved: /orders/../metrics would otherwise leave /orders. */
function pathOf(req: Forwarded): string {
  const query = req.url.indexOf('?')
  return query === -1 ? req.path : req.path + req.url.slice(query)
}

function forwardedHeaders(req: Forwarded, trace: Trace | undefined): Record<string, string | string[] | undefined> {
  const headers = Object.entries(req.headers).filter(([name]) => !OF_ONE_CONNECTION.has(name) && !OF_TRACES.has(name))
  return {
    ...Object.fromEntries(headers),
    ...(trace && { traceparent: traceparentOf(trace.context) }),
    'x-forwarded-for': req.ip ?? '',
  }
}

function passOn({ status, headers, body }: WholeAnswer, res: ServerResponse): void {
  const passed = Object.entries(headers).filter(([name]) => name === 'content-length' || !OF_ONE_CONNECTION.has(name))
  res.writeHead(status, Object.fromEntries(passed)).end(body)
}
