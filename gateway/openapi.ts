import { OpenAPIRegistry, OpenApiGeneratorV31, type ResponseConfig } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'
import { BRAND } from '../core/contracts/brand.ts'
import { OrderId, PurchaseKey, ReservationId, SaleId } from '../core/contracts/values.ts'
import { Challenge, TicketRequest, TicketView } from '../core/contracts/opening.ts'
import { OrderView, PaymentCallback, PaymentCallbackAnswer, PaymentView } from '../core/contracts/orders.ts'
import { PageRequest } from '../core/contracts/paging.ts'
import { PlaceView } from '../core/contracts/places.ts'
import { Problem, type ProblemCode, problems } from '../core/contracts/problems.ts'
import { OwnReservations, ReservationRequest, ReservationView } from '../core/contracts/purchases.ts'
import { SaleList, SaleView } from '../core/contracts/sales.ts'
import { Session, SessionRequest } from '../core/contracts/session.ts'
import { TICKET_HEADER } from '../core/contracts/ticket-header.ts'

interface Call {
  method: 'get' | 'post'
  path: string
  summary: string
  params?: z.ZodObject
  query?: z.ZodObject
  body?: z.ZodType
  bodyOptional?: boolean
  headers?: z.ZodObject
  answers: Record<number, { description: string; schema?: z.ZodType; type?: string }>
  refusals: ProblemCode[]
  signedIn?: boolean
}

const saleId = z.object({ saleId: SaleId })
const reservationId = z.object({ reservationId: ReservationId })
const orderId = z.object({ orderId: OrderId })
const waiting = z.object({
  prefer: z
    .string()
    .optional()
    .describe(
      'wait=N holds the answer back until the reservation is decided, N seconds at most and never more than 30 (RFC 7240)',
    ),
})

const ofPurchase = z.object({
  'idempotency-key': PurchaseKey.optional().describe('of the purchase that the ticket is for'),
})
const TICKET_REFUSALS: ProblemCode[] = [
  'INVALID_REQUEST',
  'NOT_FOUND',
  'TICKETS_NOT_YET',
  'ENDED',
  'NOT_ELIGIBLE',
  'TICKET_REFUSED',
  'UNAVAILABLE',
]

const calls: Call[] = [
  {
    method: 'post',
    path: '/sessions',
    summary: 'Sign in by name (demo mode only)',
    body: SessionRequest,
    answers: { 200: { description: 'Signed in', schema: Session } },
    refusals: ['INVALID_REQUEST', 'NOT_FOUND'],
  },
  {
    method: 'get',
    path: '/sales',
    summary: 'The sales, page by page',
    query: PageRequest,
    answers: { 200: { description: 'A page of them', schema: SaleList } },
    refusals: ['INVALID_REQUEST'],
  },
  {
    method: 'get',
    path: '/sales/{saleId}',
    summary: 'One sale, stock left up to a second old',
    params: saleId,
    answers: { 200: { description: 'The sale', schema: SaleView } },
    refusals: ['NOT_FOUND', 'UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/sales/{saleId}/challenge',
    summary: 'The proof of work for a ticket, where the sale asks for it (ALTCHA); more of it at higher risk',
    params: saleId,
    signedIn: true,
    headers: ofPurchase,
    answers: { 200: { description: 'The challenge, for ten minutes', schema: Challenge } },
    refusals: TICKET_REFUSALS,
  },
  {
    method: 'post',
    path: '/sales/{saleId}/tickets',
    summary: 'A ticket for one purchase, where the sale asks for it: from some minutes before the opening on',
    params: saleId,
    signedIn: true,
    headers: ofPurchase,
    body: TicketRequest,
    bodyOptional: true,
    answers: { 201: { description: 'The ticket', schema: TicketView } },
    refusals: [...TICKET_REFUSALS, 'PROOF_REQUIRED', 'PROOF_INVALID', 'UNSUPPORTED_MEDIA_TYPE', 'TOO_LARGE'],
  },
  {
    method: 'post',
    path: '/sales/{saleId}/reservations',
    summary: 'Buy: set units aside; the order is made behind the queue',
    params: saleId,
    signedIn: true,
    body: ReservationRequest,
    bodyOptional: true,
    headers: waiting.extend({
      'seckill-admission': z
        .string()
        .optional()
        .describe('of a sale with a waiting room or a draw: from your place, once you are admitted'),
      'idempotency-key': PurchaseKey.optional().describe(
        'names this purchase among those of the buyer in the sale. The same key and body get the same live reservation; ' +
          'the same key with another quantity, coupon or points is 422 KEY_REUSED, which shows what is held; another key ' +
          'is another purchase, and 409 LIMIT_REACHED when all of them together would be above the limit per buyer. A ' +
          "purchase that was cancelled, refunded or rejected can be made again. Without a key, all of a buyer's requests " +
          'are one purchase.',
      ),
      [TICKET_HEADER]: z
        .string()
        .optional()
        .describe('where the sale asks for tickets: one for this purchase, from POST /sales/{saleId}/tickets'),
    }),
    answers: {
      202: {
        description: 'You got it, your order is being made (a repeat of the purchase gets the same reservation)',
        schema: ReservationView,
      },
      200: { description: 'The decided reservation, when the request preferred to wait', schema: ReservationView },
    },
    refusals: [
      'INVALID_REQUEST',
      'NOT_STARTED',
      'ENDED',
      'STOPPED',
      'NOT_ELIGIBLE',
      'ADMISSION_REQUIRED',
      'ADMISSION_INVALID',
      'ADMISSION_OF_ANOTHER',
      'ADMISSION_EXPIRED',
      'ADMISSION_USED',
      'TICKET_REQUIRED',
      'TICKET_INVALID',
      'TICKET_OF_ANOTHER',
      'TICKET_EXPIRED',
      'TICKET_USED',
      'LAPSED',
      'LIMIT_REACHED',
      'SOLD_OUT',
      'KEY_REUSED',
      'BUSY',
      'UNAVAILABLE',
      'NOT_FOUND',
      'UNSUPPORTED_MEDIA_TYPE',
      'TOO_LARGE',
    ],
  },
  {
    method: 'post',
    path: '/sales/{saleId}/place',
    summary: 'Take a place in the waiting room or the draw, or show that you are still there',
    params: saleId,
    signedIn: true,
    answers: { 200: { description: 'Your place', schema: PlaceView } },
    refusals: ['NOT_FOUND', 'ENDED', 'NOT_ELIGIBLE', 'REGISTRATION_CLOSED', 'BUSY', 'UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/sales/{saleId}/place/events',
    summary: 'The same, pushed: server-sent events "place" until you are admitted. While it is open, you are present',
    params: saleId,
    signedIn: true,
    answers: { 200: { description: 'data: a PlaceView', type: 'text/event-stream', schema: z.string() } },
    refusals: ['NOT_FOUND', 'ENDED', 'NOT_ELIGIBLE', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'get',
    path: '/reservations/{reservationId}',
    summary: 'What became of it',
    params: reservationId,
    headers: waiting,
    signedIn: true,
    answers: { 200: { description: 'The reservation', schema: ReservationView } },
    refusals: ['NOT_FOUND', 'UNAVAILABLE'],
  },
  {
    method: 'get',
    path: '/reservations/{reservationId}/events',
    summary: 'The same, pushed: server-sent events "reservation", one for each status, until nothing more is to come',
    params: reservationId,
    signedIn: true,
    headers: z.object({
      'last-event-id': z.string().optional().describe('the id of the last event that was received'),
    }),
    answers: {
      200: { description: 'data: a ReservationView, id: its status', type: 'text/event-stream', schema: z.string() },
      204: { description: 'There are no events after the last one received' },
    },
    refusals: ['NOT_FOUND', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'get',
    path: '/me/reservations',
    summary: 'Your reservations and orders, made on any device, page by page',
    query: PageRequest,
    signedIn: true,
    answers: {
      200: { description: 'A page of them; the first begins with those not decided yet', schema: OwnReservations },
    },
    refusals: ['INVALID_REQUEST', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'get',
    path: '/orders/{orderId}',
    summary: 'Your order',
    params: orderId,
    signedIn: true,
    answers: { 200: { description: 'The order', schema: OrderView } },
    refusals: ['NOT_FOUND', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'post',
    path: '/orders/{orderId}/payments',
    summary: 'Get the payment link',
    params: orderId,
    signedIn: true,
    answers: {
      201: { description: 'A new payment', schema: PaymentView },
      200: { description: 'The same payment as before', schema: PaymentView },
    },
    refusals: ['NOT_FOUND', 'NOT_PAYABLE', 'NOT_READY', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'post',
    path: '/orders/{orderId}/cancellation',
    summary: 'Cancel an unpaid order',
    params: orderId,
    signedIn: true,
    answers: { 200: { description: 'Cancelled', schema: OrderView } },
    refusals: ['NOT_FOUND', 'NOT_CANCELLABLE', 'UNAVAILABLE', 'BUSY'],
  },
  {
    method: 'post',
    path: '/payments/callback',
    summary: 'For the payment provider: money has arrived (Payment-Signature: t=…,v1=HMAC of "t.body")',
    body: PaymentCallback,
    answers: { 200: { description: 'Counted', schema: PaymentCallbackAnswer } },
    refusals: ['BAD_SIGNATURE', 'INVALID_REQUEST', 'NOT_FOUND', 'UNAVAILABLE', 'BUSY'],
  },
]

/** Refusals of any call, before its content is looked at. */
export const generalRefusals: ProblemCode[] = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'TIMED_OUT',
  'TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'RATE_LIMITED',
  'HEADERS_TOO_LARGE',
]

const BUYER_TOKEN =
  "From POST /sessions in demo mode, otherwise from the shop's login: a JWT of at most 4,096 characters, HS256 under " +
  'TOKEN_SECRET (aud "seckill"), or RS256, ES256 or EdDSA by a key of LOGIN_JWKS (iss and aud as configured), ' +
  'with sub ' +
  '(the buyer: 1 to 255 printable characters) and exp, unless configured otherwise at most 24 hours after iat. The ' +
  'detail of a 401 names the claim that is wrong.'

function describeCalls(): OpenApiDocument {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'buyer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: BUYER_TOKEN,
  })
  for (const call of calls) registry.registerPath(path(call))
  const general = generalRefusals.map((code) => `${problems[code].status} ${code}`).join(', ')
  const document = new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: BRAND.en,
      version: '0.1.0',
      description: `Buy in a flash sale. Refusals are application/problem+json with a stable \`code\`. Any call may be refused with ${general}.`,
    },
  })
  // The generator leaves the flag of a pattern in its text. JSON Schema knows no flags: patterns are Unicode.
  return JSON.parse(
    JSON.stringify(document, (key, value: unknown) => (key === 'pattern' ? String(value).replace(/\/u$/, '') : value)),
  ) as OpenApiDocument
}

type OpenApiDocument = ReturnType<OpenApiGeneratorV31['generateDocument']>

let document: OpenApiDocument | undefined

/**
 * The gateway's whole HTTP face, from the schemas that validate it. Made when it is first asked for: it takes 190 ms,
 * and most gateways are never asked for it.
 */
export const openApiDocument = (): OpenApiDocument => (document ??= describeCalls())

function path(call: Call): Parameters<OpenAPIRegistry['registerPath']>[0] {
  const refusals: ProblemCode[] = [
    ...call.refusals,
    'RATE_LIMITED',
    ...(call.signedIn ? ['UNAUTHENTICATED' as const] : []),
  ]
  const content = (schema: z.ZodType, type = 'application/json') => ({ [type]: { schema } })
  const answers = Object.entries(call.answers).map(
    ([status, { description, schema, type }]): [string, ResponseConfig] => [
      status,
      { description, ...(schema && { content: content(schema, type) }) },
    ],
  )
  const refused = Object.entries(byStatus(refusals))
  return {
    method: call.method,
    path: call.path,
    summary: call.summary,
    ...(call.signedIn ? { security: [{ buyer: [] }] } : {}),
    request: {
      ...(call.params ? { params: call.params } : {}),
      ...(call.query ? { query: call.query } : {}),
      ...(call.headers ? { headers: call.headers } : {}),
      ...(call.body ? { body: { required: !call.bodyOptional, content: content(call.body) } } : {}),
    },
    responses: Object.fromEntries<ResponseConfig>([
      ...answers,
      ...refused.map(([status, codes]): [string, ResponseConfig] => [
        status,
        { description: codes.join(', '), content: { 'application/problem+json': { schema: Problem } } },
      ]),
    ]),
  }
}

function byStatus(codes: ProblemCode[]): Record<number, ProblemCode[]> {
  const grouped: Record<number, ProblemCode[]> = {}
  for (const code of codes) (grouped[problems[code].status] ??= []).push(code)
  return grouped
}
