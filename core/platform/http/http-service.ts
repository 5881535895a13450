import { createServer, IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import type { Registry } from 'prom-client'
import { clientAddress } from './client-address.ts'
import { closeServer, limitConnections, listen, serverLimits, trackConnections } from './connections.ts'
import type { Logger } from '../process/log.ts'
import { problemHandler, routeMissing } from './fallbacks.ts'
import { sendProblem } from './problem.ts'
import { metricsReader } from '../process/process-metrics.ts'
import { type Checks, readiness } from '../process/readiness.ts'
import { refuseUnreadable } from './unreadable.ts'

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
  limit?: (req: Request, res: Response) => boolean
  /** Runs in front of Express and answers the requests that it knows; false leaves the request to Express. */
  shortcut?: (req: Request, res: Response) => boolean
  /** Runs before /metrics. */
  metricsAccess?: RequestHandler
  trustProxyHops?: number
  connectionsMax?: number
}

/** Limit per process; each connection takes about 10 KB. */
const CONNECTIONS_MAX = 10_000
const HEADERS_MAX = 100

/** An Express app on its own server, with /livez, /readyz, /metrics, limits and problem documents around the routes. */
export async function startHttp(options: HttpServiceOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const app = buildApp(options)
  const { limit, shortcut } = options
  const answer = (req: Request, res: Response) => {
    // Both have Express's prototypes, so that `req.ip` and the like also work in front of Express.
    if (isRefused(req, res) || limit?.(req, res) || shortcut?.(req, res)) return
    app(req, res, (error) => refuseTarget(res, error))
  }
  const server = createServer({ ...serverLimits, ...withExpressPrototypes(app) }, answer as RequestListener)
  // An unknown Expect header may be ignored; without a listener Node answers it itself, without a problem document.
  server.on('checkExpectation', answer)
  refuseUnreadable(server, securityHeaders())
  limitConnections(server, options.connectionsMax ?? CONNECTIONS_MAX)
  const connections = trackConnections(server)
  const port = await listen(server, options.host, options.port)
  return { port, close: () => closeServer(server, connections) }
}

function buildApp({ log, metrics, checks, routes, metricsAccess, trustProxyHops = 0 }: HttpServiceOptions) {
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
  app.use(secured)
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
function isRefused(req: Request, res: Response): boolean {
  if (req.rawHeaders.length > 2 * HEADERS_MAX)
    refuseRequest(res, 'HEADERS_TOO_LARGE', `A request may have at most ${HEADERS_MAX} headers.`)
  else if (req.headers.host === undefined && req.httpVersion !== '1.0')
    refuseRequest(res, 'INVALID_REQUEST', 'The header Host is missing.')
  else return false
  return true
}

function refuseRequest(res: Response, code: 'HEADERS_TOO_LARGE' | 'INVALID_REQUEST', detail: string): void {
  sendProblem(res, code, detail, {}, [...securityHeaders(), 'Connection', 'close'])
}

/**
 * Express calls this for a request target that it cannot parse ("http://["), which it would answer in HTML, and when an
 * answer broke off.
 */
function refuseTarget(res: Response, error: unknown): void {
  if (error) res.destroy()
  else sendProblem(res, 'INVALID_REQUEST', 'The target of the request could not be parsed.', {}, securityHeaders())
}

// No upgrade to HTTPS: it would break plain HTTP on a laptop and behind a proxy that terminates TLS.
const secured = helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } })

/** The headers that helmet sets, for answers that bypass Express. */
export function securityHeaders(): string[] {
  const headers: string[] = []
  const recorder = {
    setHeader: (name: string, value: string) => {
      headers.push(name, value)
    },
    removeHeader: () => {},
  }
  secured({} as Request, recorder as unknown as Response, () => {})
  return headers
}

/**
 * Express swaps the prototype of every request and answer, which deoptimises these objects in V8. Constructing them
 * with Express's prototypes keeps their shape and more than doubles the throughput (a bare POST: 11k to 27k a second).
 */
function withExpressPrototypes(app: Express): {
  IncomingMessage: typeof IncomingMessage
  ServerResponse: typeof ServerResponse
} {
  function Req(this: IncomingMessage, ...args: unknown[]) {
    Reflect.apply(IncomingMessage, this, args)
  }
  function Res(this: ServerResponse, ...args: unknown[]) {
    Reflect.apply(ServerResponse, this, args)
  }
  Req.prototype = app.request
  Res.prototype = app.response
  return {
    IncomingMessage: Req as unknown as typeof IncomingMessage,
    ServerResponse: Res as unknown as typeof ServerResponse,
  }
}
