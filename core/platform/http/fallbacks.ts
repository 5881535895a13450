import type { Application, ErrorRequestHandler, RequestHandler } from 'express'
import type { Logger } from '../process/log.ts'
import { sendFault, sendProblem } from './problem.ts'

/** The fallback after all routes: 405 with the allowed methods when the path has other routes, else 404. */
export const routeMissing: RequestHandler = (req, res) => {
  const detail = `There is no ${req.method} ${req.path} here.`
  const methods = methodsAt(req.app, req.path)
  if (methods.length > 0) sendProblem(res, 'METHOD_NOT_ALLOWED', detail, {}, ['Allow', methods.join(', ')])
  else sendProblem(res, 'NOT_FOUND', detail)
}

/** Part of Express's router, but missing from its types. */
interface Layer {
  route?: { stack: { method: string }[] }
  match: (path: string) => boolean
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
