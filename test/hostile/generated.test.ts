import { Agent, request as httpRequest } from 'node:http'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { problems } from '../../core/contracts/problems.ts'
import { generalRefusals, openApiDocument } from '../../gateway/openapi.ts'
import { expectProblem, expectSecured } from '../support/expect-refused.ts'
import { type GeneratedRequest, generatedRequest, type Known, type Operation } from '../support/generated-requests.ts'
import { call } from '../support/http-client.ts'
import { inParallel } from '../support/parallel.ts'
import { shortOrLong } from '../support/thoroughness.ts'
import { startSystem, type System } from '../support/system.ts'

/** A failure names the seed; GENERATED_SEED=<seed> repeats the same requests. */
const SEED = Number(process.env.GENERATED_SEED ?? Math.floor(Math.random() * 2 ** 31))
const BATCHES = shortOrLong(20, 200)
const BATCH = 50
const AT_ONCE = 25

let system: System
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
beforeAll(async () => {
  system = await startSystem()
})
afterAll(() => {
  agent.destroy()
  return system.close()
})

const operations: Operation[] = Object.entries(openApiDocument().paths ?? {}).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, Omit<Operation, 'path' | 'method'>>).map(([method, operation]) => ({
    ...operation,
    path,
    method: method.toUpperCase(),
  })),
)
const generalStatuses = new Set<number>(generalRefusals.map((code) => problems[code].status))

interface Answer {
  status: number
  headers: Headers
  text: string
}

function send({ method, target, headers, body }: GeneratedRequest, origin: string): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        hostname,
        port,
        agent,
        method,
        path: target,
        headers: body ? { ...headers, 'content-length': String(body.length) } : headers,
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        const done = () =>
          resolve({
            status: answer.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            headers: new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)])),
          })
        answer.on('end', done)
        // A stream lasts until its reservation ends; its headers are the answer.
        if (answer.headers['content-type']?.startsWith('text/event-stream'))
          answer.once('data', () => {
            answer.destroy()
            done()
          })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Validates an answer against the document. @throws when they differ */
function expectDocumented({ operation, method }: GeneratedRequest, answer: Answer): void {
  const documented = method === operation.method ? operation.responses[answer.status] : undefined
  expect(
    documented !== undefined || generalStatuses.has(answer.status) || (method === 'HEAD' && answer.status === 200),
    `status ${answer.status}: ${answer.text}`,
  ).toBe(true)
  expectSecured(answer.headers)
  if (method === 'HEAD') return
  if (answer.status >= 400) expectProblem(answer)
  const schema = documented?.content?.[answer.status >= 400 ? 'application/problem+json' : 'application/json']?.schema
  if (schema) fromSchema(schema).parse(JSON.parse(answer.text))
}

const parsers = new Map<object, z.ZodType>()
function fromSchema(schema: object): z.ZodType {
  const parser = parsers.get(schema) ?? z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  parsers.set(schema, parser)
  return parser
}

/** Buyers with reservations and orders, some of which have a payment, and the ids of all of those. */
async function prepare(): Promise<Known> {
  const sales = [
    await system.createSale({ stock: 500, perBuyerLimit: 1_000 }),
    await system.createSale({ stock: 1 }),
    await system.createSale({ opensInMs: 600_000 }),
  ]
  const tokens = await inParallel(12, 6, (i) => system.signIn(`generated ${i}`))
  const reservationId: string[] = []
  const orderId: string[] = []
  const paymentId: string[] = []
  const callbacks: string[] = []
  for (const [i, token] of tokens.slice(0, 9).entries()) {
    const { body } = await system.buy(sales[0] ?? '', token)
    const order = String((await system.settled(String(body.id), token)).orderId)
    reservationId.push(String(body.id))
    orderId.push(order)
    if (i % 3 === 0) continue
    const payment = String((await call('POST', system.url(`/orders/${order}/payments`), { token })).body.paymentId)
    paymentId.push(payment)
    callbacks.push(
      JSON.stringify({
        paymentId: payment,
        orderId: order,
        amountCents: 1_000,
        currency: 'CNY',
        providerRef: `ref-${i}`,
      }),
    )
  }
  return {
    ids: { saleId: [...sales, 'nowhere'], reservationId, orderId, paymentId },
    tokens,
    callbacks,
    paymentSecret: system.env.PAYMENT_SECRET ?? '',
  }
}

/** Requests whose answers a seed of 1,000 requests may miss: 202 (and 409, from a sale of one unit), 201 and 413. */
function seldomGenerated({ ids, tokens }: Known): GeneratedRequest[] {
  const post = (path: string, id: string, token: string, text: string): GeneratedRequest[] =>
    operations
      .filter((operation) => operation.path === path && operation.method === 'POST')
      .map((operation) => ({
        operation,
        method: 'POST',
        target: path.replace(/\{\w+\}/, id),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: Buffer.from(text),
      }))
  const [open = '', ofOneUnit = ''] = ids.saleId ?? []
  const [payer = ''] = tokens
  const others = tokens.slice(-2)
  return [
    ...others.flatMap((token) =>
      [open, ofOneUnit].flatMap((sale) => post('/sales/{saleId}/reservations', sale, token, '{"quantity":1}')),
    ),
    ...post('/orders/{orderId}/payments', ids.orderId?.[0] ?? '', payer, '{}'),
    ...post('/sales/{saleId}/reservations', open, payer, '{}'.padEnd(17_000)),
  ]
}

test(`${BATCHES * BATCH} generated requests are answered as the document says (GENERATED_SEED=${SEED})`, async () => {
  const known = await prepare()
  const statuses: Record<number, number> = {}
  const batches = fc.array(generatedRequest(operations, known), { minLength: BATCH, maxLength: BATCH })
  await fc.assert(
    fc.asyncProperty(batches, async (requests) => {
      await inParallel(requests.length, AT_ONCE, async (i) => {
        const request = requests[i]
        if (!request) return
        // Forwarded operations are also sent to the order service directly.
        const own =
          /^\/(orders|payments)/.test(request.operation.path) && i % 2 === 0 ? system.env.ORDER_SERVICE_URL : undefined
        try {
          const answer = await send(request, own ?? system.url(''))
          statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
          expectDocumented(request, answer)
        } catch (error) {
          const { method, target, headers, body } = request
          throw new Error(
            `${method} ${target} ${JSON.stringify(headers)} ${JSON.stringify(body?.toString('latin1').slice(0, 1_000))}`,
            { cause: error },
          )
        }
      })
    }),
    {
      seed: SEED,
      numRuns: BATCHES,
      examples: [[seldomGenerated(known)]],
      endOnFailure: true,
      includeErrorInReport: true,
    },
  )

  // Guards against a generator whose requests are all refused, or all valid.
  for (const status of [200, 202, 400, 401, 403, 404, 405, 409, 413, 415])
    expect(statuses[status] ?? 0, `answers of ${status}, of ${JSON.stringify(statuses)}`).toBeGreaterThan(0)
  expect(statuses[500]).toBeUndefined()
  for (const origin of [system.url(''), system.env.ORDER_SERVICE_URL ?? ''])
    expect((await call('GET', `${origin}/readyz`)).status).toBe(200)
})

test('every unit is accounted for', async () => {
  expect(await system.auditAtRest()).toMatchObject({ balanced: true })
})
