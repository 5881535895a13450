import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express, { type Express, type Request, type RequestHandler, type Response } from 'express'
import helmet from 'helmet'
import type { Registry } from 'prom-client'
import type { Logger } from './log.ts'
import { notFound, problemHandler } from './problem.ts'
import { metricsText } from './process-metrics.ts'

export interface HttpServiceOptions {
  host: string
  port: number
  log: Logger
  metrics: Registry
  /** What the service needs to do its work, by name; readyz says which are missing. */
  checks: Record<string, () => boolean | Promise<boolean>>
  /** Mounts the service's own routes. */
  routes: (app: Express) => void
  /** Stands in front of Express and answers what it knows; false leaves the request to Express. */
  fastLane?: (req: Request, res: Response) => boolean
  trustProxyHops?: number
}

/** An Express app on its own server, with /livez, /readyz, /metrics, limits and problem documents around the routes. */
export async function startHttp(options: HttpServiceOptions): Promise<{ port: number; close: () => Promise<void> }> {
  const { log, metrics, host } = options
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', options.trustProxyHops ?? 0)
  app.set('query parser', 'simple')
  // Nothing here is cached by its digest, and making one costs on every answer.
  app.set('etag', false)
  app.use(secured)
  app.get('/livez', (_req, res) => { res.json({ status: 'alive' }) })
  app.get('/readyz', readiness(options.checks))
  app.get('/metrics', async (_req, res) => { res.type(metrics.contentType).send(await metricsText(metrics)) })
  options.routes(app)
  app.use(notFound, problemHandler(log))

  const { fastLane } = options
  const server = createServer(bornAsExpress(app), (req, res) => {
    // Both were born as Express's own, so that `req.ip` and its like work in front of it, too.
    if (!fastLane?.(req as Request, res as Response)) app(req, res)
  })
  // A slow sender may not hold a socket: 10 s for headers, 20 s for a whole request.
  server.headersTimeout = 10_000
  server.requestTimeout = 20_000
  // Longer than proxies, and our own gateway, keep an idle connection: what is sent on one that is just being closed is lost.
  server.keepAliveTimeout = 65_000
  const port = await listen(server, host, options.port)
  return { port, close: () => close(server) }
}

// Plain HTTP on a laptop or behind a proxy that speaks TLS: asking browsers to upgrade would break the first.
const secured = helmet({ contentSecurityPolicy: { directives: { 'upgrade-insecure-requests': null } } })

/** What helmet sets on every answer, for answers that do not pass by it. */
export function securityHeaders(): string[] {
  const headers: string[] = []
  const recorder = { setHeader: (name: string, value: string) => { headers.push(name, value) }, removeHeader: () => {} }
  secured({} as Request, recorder as unknown as Response, () => {})
  return headers
}

/**
 * Express gives every request and answer another prototype, which makes slow objects of them. Born with that prototype,
 * they keep their shape: the same Express, more than twice as fast (a bare POST: 11k to 27k a second).
 */
function bornAsExpress(app: Express): { IncomingMessage: typeof IncomingMessage; ServerResponse: typeof ServerResponse } {
  function Req(this: IncomingMessage, ...given: unknown[]) { Reflect.apply(IncomingMessage, this, given) }
  function Res(this: ServerResponse, ...given: unknown[]) { Reflect.apply(ServerResponse, this, given) }
  Req.prototype = app.request
  Res.prototype = app.response
  return { IncomingMessage: Req as unknown as typeof IncomingMessage, ServerResponse: Res as unknown as typeof ServerResponse }
}

function readiness(checks: HttpServiceOptions['checks']): RequestHandler {
  return async (_req, res) => {
    const states = await Promise.all(Object.entries(checks).map(async ([name, check]) => [name, await check()] as const))
    const ready = states.every(([, isUp]) => isUp)
    res.status(ready ? 200 : 503).json({ ready, ...Object.fromEntries(states) })
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new Error(`Port ${port} on ${host} is taken; free it or choose another`) : error)
    })
    server.listen(port, host, resolve)
  })
  return (server.address() as AddressInfo).port
}

/** Lets requests in hand finish, 10 s at most. */
async function close(server: Server): Promise<void> {
  const limit = setTimeout(() => server.closeAllConnections(), 10_000)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  clearTimeout(limit)
}
