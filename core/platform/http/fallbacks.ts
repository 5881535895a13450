import type { ServerResponse } from 'node:http'
import type { Application, ErrorRequestHandler, RequestHandler } from 'express'
import type { Logger } from '../process/log.ts'
import { type HeaderList, sendFault, sendProblem } from './problem.ts'

/** The fallback after all routes: 405 with the allowed methods when the path has other routes, else 404. */
export const routeMissing: RequestHandler = (req, res) => {
  const methods = methodsAt(req.app, req.path)
  if (methods.length === 0) refuseMissing(res, req.method, req.path)
  else sendProblem(res, 'METHOD_NOT_ALLOWED', absent(req.method, req.path), {}, ['Allow', methods.join(', ')])
}

export function refuseMissing(res: ServerResponse, method = '', path = '', headers: HeaderList = []): void {
  sendProblem(res, 'NOT_FOUND', absent(method, path), {}, headers)
}

const absent = (method: string, path: string) => `There is no ${method} ${path} here.`

/** Part of Express's router, but missing from its types. */
interface Layer {
  route?: { stack: { method: string }[] }
  /** Middleware for all paths. */
  slash: boolean
  match: (path: string) => boolean
}

/** Whether Express has more for this path than its middleware for all paths. */
export function hasRouteAt({ router }: Application, path: string): boolean {
  try {
    return (router.stack as unknown as Layer[]).some((layer) => !layer.slash && layer.match(path))
  } catch {
    return true // A parameter cannot be decoded: Express refuses that.
  }
}

function methodsAt({ router }: Application, path: string): string[] {
  const routes = (router.stack as unknown as Layer[]).flatMap((layer) =>
    layer.route && layer.match(path) ? layer.route.stack : [],
  )
  const methods = new Set(routes.map(({ method }) => method.toUpperCase()))
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods].sort()
}

/** The last middleware: turns every thrown error into a problem document. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error)
    sendFault(res, error, log)
  }
}
