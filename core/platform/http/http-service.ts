import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import type { Registry } from 'prom-client'
import { addressForLimit, clientAddress } from './client-address.ts'
import { closeServer, limitConnections, listen, serverLimits, trackConnections } from './connections.ts'
import type { Logger } from '../process/log.ts'
import { hasRouteAt, problemHandler, refuseMissing, routeMissing } from './fallbacks.ts'
import { unlessLeft } from './has-left.ts'
import { sendProblem } from './problem.ts'
import { API_HEADERS, apiHeaders, PRIVATE_HEADERS } from './security-headers.ts'
import { metricsReader } from '../process/process-metrics.ts'
import { type Checks, readiness } from '../process/readiness.ts'
import { isTracing } from '../tracing/trace.ts'
import { traceRequests } from '../tracing/trace-request.ts'
import { refuseUnreadable } from './unreadable.ts'

/** Runs in front of Express, whose chain costs as much as the rest of a refusal; true when it has answered. */
export type InFront = (req: IncomingMessage, res: ServerResponse, seen: Seen) => boolean

export interface Seen {
  /** As Express's router reads it, so that no other spelling gets another limit; '' for a target that cannot be parsed. */
  path: string
  /** Of the client, as limits count it. */
  address: string
}

export interface HttpServiceOptions {
  host: string
  port: number
  log: Logger
  metrics: Registry
  /** What the service needs to do its work; /readyz says what is missing and why. */
  checks: Checks
  /** Mounts the service's own routes. */
  routes: (app: Express) => void
  /** Runs before everything that costs more than memory, also of this process; true when it has refused the request. */
  limit?: InFront
  /**
   * Refuses paths without a route in front of Express, whose chain costs twice as much. Not where middleware for all paths
   * comes first: it is not asked then.
   */
  refusesMissingInFront?: boolean
  /** Answers the requests that it knows; false leaves the request to Express. */
  shortcut?: InFront
  /** Called for each request whose client has left before it is answered; without it none is looked for. */
  onLeft?: () => void
  /** Runs before /metrics. */
  metricsAccess?: RequestHandler
  trustProxyHops?: number
  connectionsMax?: number
  /** Whether every caller is a service of the shop, whose trace goes on here. */
  isCallerTrusted?: boolean
}

/** Limit per process; each connection takes about 10 KB. */
const CONNECTIONS_MAX = 10_000
const HEADERS_MAX = 100

/** An Express app on its own server, with /livez, /readyz, /metrics, limits and problem documents around the routes. */
export async function startHttp(options: HttpServiceOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const app = buildApp(options)
  const { limit, shortcut, refusesMissingInFront = false, trustProxyHops = 0 } = options
  const answerNow = (req: IncomingMessage, res: ServerResponse) => {
    if (isRefused(req, res)) return
    const seen = { path: pathOf(req), address: addressForLimit(clientAddress(req, trustProxyHops)) }
    if (limit?.(req, res, seen) || shortcut?.(req, res, seen)) return
    if (refusesMissingInFront && seen.path !== '' && !hasRouteAt(app, seen.path))
      refuseMissing(res, req.method, seen.path, PRIVATE_HEADERS)
    else app(req as Request, res as Response, (error) => refuseTarget(res, error))
  }
  const answer = options.onLeft ? unlessLeft(answerNow, options.onLeft) : answerNow
  const server = createServer(serverLimits, answer)
  // An unknown Expect header may be ignored; without a listener Node answers it itself, without a problem document.
  server.on('checkExpectation', answer)
  refuseUnreadable(server, API_HEADERS)
  limitConnections(server, options.connectionsMax ?? CONNECTIONS_MAX)
  const connections = trackConnections(server)
  const port = await listen(server, options.host, options.port)
  return { port, close: () => closeServer(server, connections) }
}

function buildApp(options: HttpServiceOptions) {
  const { log, metrics, checks, routes, metricsAccess, trustProxyHops = 0, isCallerTrusted = false } = options
  const app = express()
  app.disable('x-powered-by')
  Object.defineProperty(app.request, 'ip', {
    get(this: Request) {
      return clientAddress(this, trustProxyHops)
    },
  })
  app.set('query parser', 'simple')
  // No answer is revalidated, and computing an ETag costs on every answer.
  app.set('etag', false)
  app.use(apiHeaders)
  app.get('/livez', (_req, res) => {
    res.json({ status: 'alive' })
  })
  app.get('/readyz', showStartNonce, readiness(checks))
  const readMetrics = metricsReader(metrics)
  if (metricsAccess) app.get('/metrics', metricsAccess)
  app.get('/metrics', async (req, res) => {
    const format = req.accepts(['text', 'json']) === 'json' ? 'json' : 'text'
    res.type(format === 'json' ? format : metrics.contentType).send(await readMetrics(format))
  })
  if (isTracing()) app.use(traceRequests(isCallerTrusted))
  routes(app)
  app.use(routeMissing, problemHandler(log))
  return app
}

export const START_NONCE_HEADER = 'start-nonce'

/** By this nonce the launcher tells the process that it started from another program on the same port. */
const showStartNonce: RequestHandler = (_req, res, next) => {
  if (process.env.START_NONCE) res.set(START_NONCE_HEADER, process.env.START_NONCE)
  next()
}

/**
 * Node would drop headers above its own limit from `req.headers` and still act on them (Content-Length, say): its limit
 * is off, and ours refuses the request.
 */
function isRefused(req: IncomingMessage, res: ServerResponse): boolean {
  if (req.rawHeaders.length > 2 * HEADERS_MAX)
    refuseRequest(res, 'HEADERS_TOO_LARGE', `A request may have at most ${HEADERS_MAX} headers.`)
  else if (req.headers.host === undefined && req.httpVersion !== '1.0')
    refuseRequest(res, 'INVALID_REQUEST', 'The header Host is missing.')
  else return false
  return true
}

function refuseRequest(res: ServerResponse, code: 'HEADERS_TOO_LARGE' | 'INVALID_REQUEST', detail: string): void {
  sendProblem(res, code, detail, {}, [...API_HEADERS, 'Connection', 'close'])
}

/**
 * Express calls this for a request target that it cannot parse ("http://["), which it would answer in HTML, and when an
 * answer broke off.
 */
function refuseTarget(res: ServerResponse, error: unknown): void {
  if (error) res.destroy()
  else sendProblem(res, 'INVALID_REQUEST', 'The target of the request could not be parsed.', {}, API_HEADERS)
}

function pathOf(req: IncomingMessage): string {
  try {
    // Express's own getter, on a request that it has not seen.
    const path: unknown = Reflect.get(express.request, 'path', req)
    return typeof path === 'string' ? path : ''
  } catch {
    return '' // A target that cannot be parsed, such as "http://[".
  }
}
