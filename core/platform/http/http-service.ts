import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import type { Registry } from 'prom-client'
import { clientAddress } from './client-address.ts'
import type { Logger } from '../process/log.ts'
import { problemHandler, sendProblem, unanswered } from './problem.ts'
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
  /** Stands in front of Express and answers what it knows; false leaves the request to Express. */
  fastLane?: (req: Request, res: Response) => boolean
  /** Stands before everything of Express but the health checks. */
  limit?: RequestHandler
  /** Stands before /metrics. */
  metricsAccess?: RequestHandler
  trustProxyHops?: number
  connectionsMax?: number
}

/** Of one process; each takes some 10 KB. */
const CONNECTIONS_MAX = 10_000
const HEADERS_MAX = 100
/**
 * Connections the kernel keeps until we take them. Of a rush above Node's 511 the rest would try again after a second.
 */
const BACKLOG = 4_096

/** A slow sender may not hold a socket. */
const limits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  // Both are looked at so often; by default it is every 30 s, which makes 40 s of the 10.
  connectionsCheckingInterval: 1_000,
  // Longer than proxies, and our own gateway, keep an idle connection: what is sent on one that is just being closed is
  // lost.
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
  // Missing, it is refused below, with a problem document.
  requireHostHeader: false,
}
/**
 * Nothing has moved for so long: neither end knows anything any more, or the client does not read what it asked for.
 */
const SILENCE_LIMIT_MS = 60_000

/** An Express app on its own server, with /livez, /readyz, /metrics, limits and problem documents around the routes. */
export async function startHttp(options: HttpServiceOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const { log, metrics, host } = options
  const app = express()
  app.disable('x-powered-by')
  const trustedProxies = options.trustProxyHops ?? 0
  Object.defineProperty(app.request, 'ip', {
    get(this: Request) {
      return clientAddress(this, trustedProxies)
    },
  })
  app.set('query parser', 'simple')
  // Nothing here is cached by its digest, and making one costs on every answer.
  app.set('etag', false)
  app.use(secured)
  app.get('/livez', (_req, res) => {
    res.json({ status: 'alive' })
  })
  app.get('/readyz', showStartNonce, readiness(options.checks))
  if (options.limit) app.use(options.limit)
  const readMetrics = metricsReader(metrics)
  if (options.metricsAccess) app.get('/metrics', options.metricsAccess)
  app.get('/metrics', async (req, res) => {
    const format = req.accepts(['text', 'json']) === 'json' ? 'json' : 'text'
    res.type(format === 'json' ? format : metrics.contentType).send(await readMetrics(format))
  })
  options.routes(app)
  app.use(unanswered, problemHandler(log))

  const { fastLane } = options
  const answer = (req: Request, res: Response) => {
    // Both were born as Express's own, so that `req.ip` and its like work in front of it, too.
    if (!isRefused(req, res) && !fastLane?.(req, res)) app(req, res, (error) => refuseTarget(res, error))
  }
  const server = createServer({ ...limits, ...bornAsExpress(app) }, answer as RequestListener)
  // "Expect: something" may be ignored; Node would answer it by itself, without a word.
  server.on('checkExpectation', answer)
  refuseUnreadable(server, securityHeaders())
  limitConnections(server, options.connectionsMax ?? CONNECTIONS_MAX)
  const connections = connectionsOf(server)
  const port = await listen(server, host, options.port)
  return { port, close: () => close(server, connections) }
}

export const START_NONCE_HEADER = 'start-nonce'

/** The launcher tells the process it has started from another program on the same port by the nonce that it gave it. */
const showStartNonce: RequestHandler = (_req, res, next) => {
  if (process.env.START_NONCE) res.set(START_NONCE_HEADER, process.env.START_NONCE)
  next()
}

/**
 * Every header is read, since Node hides from us those above its own limit, but counts their meaning: a body's framing,
 * say.
 */
function isRefused(req: Request, res: Response): boolean {
  if (req.rawHeaders.length > 2 * HEADERS_MAX)
    sendProblem(res, 'HEADERS_TOO_LARGE', `A request may have ${HEADERS_MAX} headers.`, {}, [
      ...securityHeaders(),
      'Connection',
      'close',
    ])
  else if (req.headers.host === undefined && req.httpVersion !== '1.0')
    sendProblem(res, 'INVALID_REQUEST', 'The header Host is missing.', {}, [
      ...securityHeaders(),
      'Connection',
      'close',
    ])
  else return false
  return true
}

/**
 * Express comes here with a target that it cannot take apart ("http://["), and would answer in HTML; or when an answer
 * broke off.
 */
function refuseTarget(res: Response, error: unknown): void {
  if (error) res.destroy()
  else sendProblem(res, 'INVALID_REQUEST', 'The target of the request could not be read.', {}, securityHeaders())
}

/** When there are too many, new ones are refused, and those that wait for nothing make room for the next. */
function limitConnections(server: Server, connectionsMax: number): void {
  server.maxHeadersCount = 0
  server.maxConnections = connectionsMax
  server.on('drop', () => server.closeIdleConnections())
  server.setTimeout(SILENCE_LIMIT_MS)
}

// Plain HTTP on a laptop or behind a proxy that speaks TLS: asking browsers to upgrade would break the first.
const secured = helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } })

/** What helmet sets on every answer, for answers that do not pass by it. */
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
 * Express gives every request and answer another prototype, which makes slow objects of them. Born with that prototype,
 * they keep their shape: the same Express, more than twice as fast (a bare POST: 11k to 27k a second).
 */
function bornAsExpress(app: Express): {
  IncomingMessage: typeof IncomingMessage
  ServerResponse: typeof ServerResponse
} {
  function Req(this: IncomingMessage, ...given: unknown[]) {
    Reflect.apply(IncomingMessage, this, given)
  }
  function Res(this: ServerResponse, ...given: unknown[]) {
    Reflect.apply(ServerResponse, this, given)
  }
  Req.prototype = app.request
  Res.prototype = app.response
  return {
    IncomingMessage: Req as unknown as typeof IncomingMessage,
    ServerResponse: Res as unknown as typeof ServerResponse,
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE' ? new Error(`Port ${port} on ${host} is taken; free it or choose another`) : error,
      )
    })
    server.listen({ port, host, backlog: BACKLOG }, resolve)
  })
  return (server.address() as AddressInfo).port
}

function connectionsOf(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  return connections
}

/** Lets requests in hand finish, 10 s at most. */
async function close(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const limit = setTimeout(() => server.closeAllConnections(), 10_000)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
    // Browsers open connections ahead. To Node one without a request is not idle, and would be waited for.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  })
  clearTimeout(limit)
}
