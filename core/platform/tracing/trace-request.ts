import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request, RequestHandler } from 'express'
import { readTraceparent } from '../../contracts/trace-context.ts'
import { beginTrace, type Trace } from './trace.ts'

const traces = new WeakMap<ServerResponse, Trace>()

/** The trace of the request that is being answered; undefined while tracing is off. */
export const traceOf = (res: ServerResponse): Trace | undefined => traces.get(res)

/** For log lines about the request: the id of its trace, as OpenTelemetry names it in JSON. Nothing while tracing is off. */
export function traceFields(res: ServerResponse): { trace_id?: string } {
  const trace = traces.get(res)
  return trace ? { trace_id: trace.context.traceId } : {}
}

/**
 * Traces a request until its answer is sent; undefined while tracing is off. The context that a stranger sends becomes a
 * link: it must decide neither which traces are exported, nor where the spans of the shop stand.
 * @param route the pattern, asked when the request has ended; undefined when none has matched
 */
export function traceRequest(
  req: IncomingMessage,
  res: ServerResponse,
  route: () => string | undefined,
  { isCallerTrusted = false } = {},
): Trace | undefined {
  const trace = beginTrace()
  if (!trace) return undefined
  const known = traces.get(res)
  if (known) return known
  traces.set(res, trace)
  const caller = readTraceparent(req.headers.traceparent)
  if (caller && isCallerTrusted) trace.calledBy(caller)
  else if (caller) trace.link(caller)
  res.once('close', () => {
    const { statusCode } = res
    if (statusCode >= 500) trace.failed(`answered ${statusCode}`)
    const pattern = route()
    trace.end({
      name: pattern === undefined ? `${req.method}` : `${req.method} ${pattern}`,
      kind: 'SERVER',
      attributes: {
        'http.request.method': req.method,
        'http.route': pattern,
        'url.path': (req.url ?? '').split('?', 1)[0],
        'http.response.status_code': statusCode,
      },
      mayBeSlow: mayBeSlow(req, res),
    })
  })
  return trace
}

/** Event streams, and answers that wait for a change, take long because the client wants it. */
const mayBeSlow = (req: IncomingMessage, res: ServerResponse) =>
  req.headers.prefer !== undefined || String(res.getHeader('content-type')).startsWith('text/event-stream')

/** The same as middleware, for all routes behind it. */
export function traceRequests(isCallerTrusted: boolean): RequestHandler {
  return (req, res, next) => {
    traceRequest(req, res, () => routeOf(req), { isCallerTrusted })
    next()
  }
}

/** Undefined where nothing, or a regular expression, has matched. */
function routeOf({ route }: Request): string | undefined {
  const { path }: { path?: unknown } = (route as object | undefined) ?? {}
  return typeof path === 'string' ? path : undefined
}
