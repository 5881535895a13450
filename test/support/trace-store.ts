import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { z } from 'zod'

const Value = z.looseObject({ stringValue: z.string().optional(), intValue: z.number().optional() })
const Attributes = z
  .array(z.object({ key: z.string(), value: Value }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value.stringValue ?? value.intValue])))
const Span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: z.int().min(1).max(5),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: Attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.int().optional(), message: z.string().optional() }),
})
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(Span) })),
    }),
  ),
})
export type ReceivedSpan = z.output<typeof Span> & { service: unknown }

/** Of a span that failed, in OTLP. */
const ERROR = 2

/** Takes traces by OTLP over HTTP, in JSON, and answers for them at /api/traces/:id, both as Jaeger does. */
export async function startTraceStore() {
  const spans: ReceivedSpan[] = []
  const take = async (req: IncomingMessage, res: ServerResponse) => {
    const { resourceSpans } = Export.parse(await json(req))
    for (const { resource, scopeSpans } of resourceSpans)
      for (const scope of scopeSpans)
        spans.push(...scope.spans.map((span) => ({ ...span, service: resource.attributes['service.name'] })))
    res.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  const tell = (traceId: string, res: ServerResponse) => {
    const found = spans.filter((span) => span.traceId === traceId)
    const answer =
      found.length > 0 ? jaegerAnswer(found) : { data: null, errors: [{ code: 404, msg: 'trace not found' }] }
    res.writeHead(found.length > 0 ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }
  const server = createServer((req, res) => {
    const [, traceId] = /^\/api\/traces\/(\w+)$/.exec(req.url ?? '') ?? []
    if (req.method === 'GET' && traceId !== undefined) tell(traceId, res)
    else void take(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Times in µs; the service of a span is named once, as its process. */
function jaegerAnswer(spans: ReceivedSpan[]) {
  return {
    data: [
      {
        traceID: spans[0]?.traceId,
        spans: spans.map(
          ({ traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano, service, status }) => ({
            traceID: traceId,
            spanID: spanId,
            operationName: name,
            references:
              parentSpanId === undefined ? [] : [{ refType: 'CHILD_OF', traceID: traceId, spanID: parentSpanId }],
            startTime: Number(BigInt(startTimeUnixNano) / 1_000n),
            duration: Number((BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1_000n),
            tags: status.code === ERROR ? [{ key: 'error', type: 'bool', value: true }] : [],
            processID: String(service),
          }),
        ),
        processes: Object.fromEntries(spans.map(({ service }) => [String(service), { serviceName: String(service) }])),
      },
    ],
    errors: null,
  }
}
