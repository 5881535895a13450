import * as fc from 'fast-check'
import { signBody } from '../../core/platform/http/signature.ts'

/** One operation of the OpenAPI document, as far as the generator reads it. */
export interface Operation {
  path: string
  method: string
  requestBody?: { content: { 'application/json': { schema: JsonSchema } } }
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>
}

export interface JsonSchema {
  type?: string
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  properties?: Record<string, JsonSchema>
}

export interface GeneratedRequest {
  operation: Operation
  method: string
  target: string
  headers: Record<string, string>
  body: Buffer | undefined
}

/** Existing ids and credentials, so that many requests get past validation. */
export interface Known {
  /** By their name in paths and bodies. */
  ids: Record<string, string[]>
  tokens: string[]
  /** Bodies of valid callbacks. */
  callbacks: string[]
  paymentSecret: string
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
/** Texts that break parsers, stores and logs. */
const NASTY_TEXTS = [
  '__proto__',
  'constructor',
  'toString',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  '\ufeff',
  '\u202e',
  '{sale}',
  '*',
  '..',
  '../../etc/passwd',
  '%00',
  '%',
  '%ff',
  '\r\nX: y',
  "' OR 1=1 --",
  '${7*7}',
  '<script>',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e309',
  '٣',
  'ａ',
  '💥'.repeat(50),
  'x'.repeat(5_000),
  ' ',
]
const NASTY_JSON = [
  '',
  ' ',
  '{',
  '[]',
  'null',
  '{"__proto__":{}}',
  '{"quantity":1e309}',
  '{"quantity":-0}',
  '{"quantity":1,"quantity":2}',
  '{"a":'.repeat(500),
  '['.repeat(9_000),
  '\ufeff{}',
  '{}\0',
  String.raw`{"name":"\ud800"}`,
  '{"quantity":999999999999999999999999}',
  '"',
  '{}'.padEnd(17_000),
]

const text = fc.oneof(
  fc.constantFrom(...NASTY_TEXTS),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)

/** An id, or a hostile text: percent-encoded, or raw with the characters that the client accepts. */
const pathSegment = (known: Known, name = '') =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...(known.ids[name] ?? ['nowhere'])) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.values(known.ids).flat()) },
    {
      weight: 2,
      arbitrary: text
        .filter((value) => value.length > 0)
        .map((value) => [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')),
    },
    { weight: 1, arbitrary: fc.uuid() },
    { weight: 1, arbitrary: fc.stringMatching(/^[!$-.0-;=@-Z_a-z~]{1,40}$/) },
  )

function valueFor(name: string, schema: JsonSchema, known: Known): fc.Arbitrary<unknown> {
  if (schema.type === 'integer')
    return fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 5_000, 5_000) })
  if (schema.format === 'uuid') return fc.oneof(fc.constantFrom(...(known.ids[name] ?? [])), fc.uuid())
  // The library cannot generate strings for Unicode property escapes.
  if (schema.pattern?.includes('\\p{')) return fc.stringMatching(/^[\w .-]{1,40}$/)
  if (schema.pattern)
    return fc.stringMatching(new RegExp(schema.pattern, 'u')).map((value) => value.slice(0, schema.maxLength))
  return fc.string({ minLength: schema.minLength ?? 0, maxLength: schema.maxLength ?? 50 })
}

/** Bodies that match the schema, bodies with one wrong property, and arbitrary bytes. */
function bodyFor({ path, requestBody }: Operation, known: Known): fc.Arbitrary<Buffer | undefined> {
  const properties = requestBody?.content['application/json'].schema.properties ?? {}
  const names = Object.keys(properties)
  const made: fc.Arbitrary<object> = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, valueFor(name, schema, known)])),
  )
  // Only a whole valid callback passes the signature check.
  const right =
    path === '/payments/callback'
      ? fc.oneof(
          made,
          fc.constantFrom(...known.callbacks).map((value) => JSON.parse(value) as object),
        )
      : made
  const spoilt = fc
    .tuple(
      right,
      fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...names, 'extra') }, { weight: 1, arbitrary: text }),
      fc.oneof(text, text, fc.jsonValue(), fc.double()),
    )
    .map(([body, name, value]) => ({ ...body, ...Object.fromEntries([[name, value]]) }))
  const json = fc.oneof(right, spoilt, fc.jsonValue()).map((value) => JSON.stringify(value))
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 6, arbitrary: json.map((value) => Buffer.from(value)) },
    { weight: 2, arbitrary: fc.constantFrom(...NASTY_JSON).map((value) => Buffer.from(value)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  )
}

const headerValue = fc.stringMatching(/^[ -~]{0,60}$/).map((value) => value.trim())

function headersFor(known: Known): fc.Arbitrary<Record<string, string>> {
  const mostly = (usual: fc.Arbitrary<string>, other: fc.Arbitrary<string>) =>
    fc.oneof({ weight: 8, arbitrary: usual }, { weight: 1, arbitrary: other })
  const seldom = (value: fc.Arbitrary<string>) =>
    fc.oneof({ weight: 15, arbitrary: fc.constant('') }, { weight: 1, arbitrary: value })
  return fc
    .record({
      authorization: mostly(fc.constantFrom(...known.tokens.map((token) => `Bearer ${token}`)), headerValue),
      'content-type': mostly(
        fc.constant('application/json'),
        fc.oneof(fc.constantFrom('text/plain', 'application/json; charset=utf-16', 'multipart/form-data'), headerValue),
      ),
      'content-encoding': seldom(fc.constantFrom('gzip', 'br', 'identity')),
      'x-forwarded-for': seldom(headerValue),
      prefer: seldom(fc.constantFrom('wait=5', 'wait=-1', 'respond-async, wait=1', 'wait=9999999999999999999999')),
      accept: seldom(headerValue),
      'payment-signature': mostly(fc.constant(SIGNED), headerValue),
    })
    .map((headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== '')))
}

/** Placeholder that `headersOf` replaces by the signature of the final body. */
const SIGNED = 'signed'

/** A request to one of the operations, with valid and hostile content. */
export function generatedRequest(operations: Operation[], known: Known): fc.Arbitrary<GeneratedRequest> {
  return fc
    .constantFrom(...operations)
    .chain((operation) =>
      fc.record({
        operation: fc.constant(operation),
        method: fc.oneof(
          { weight: 9, arbitrary: fc.constant(operation.method) },
          { weight: 1, arbitrary: fc.constantFrom(...METHODS) },
        ),
        target: fc
          .tuple(pathSegment(known, /\{(\w+)\}/.exec(operation.path)?.[1]), fc.option(pathSegment(known)))
          .map(([id, query]) => operation.path.replace(/\{\w+\}/, () => id) + (query === null ? '' : `?${query}`)),
        headers: headersFor(known),
        body: bodyFor(operation, known),
      }),
    )
    .map(({ headers, body, ...request }) => ({ ...request, body, headers: headersOf(headers, body, known) }))
}

/** Drops the content type of an absent body, which would be refused at once, and signs. */
function headersOf(
  { 'content-type': type, 'payment-signature': signature, ...others }: Record<string, string>,
  body: Buffer | undefined,
  { paymentSecret }: Known,
): Record<string, string> {
  return {
    ...others,
    ...(type === undefined || body === undefined ? {} : { 'content-type': type }),
    ...(signature === undefined
      ? {}
      : { 'payment-signature': signature === SIGNED ? signBody(paymentSecret, body ?? '') : signature }),
  }
}
