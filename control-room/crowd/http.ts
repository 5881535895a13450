import http from 'node:http'
import https from 'node:https'
import type { BuyerAnswer, BuyerCall } from './buyer.ts'

/** Limit of the whole crowd. With more, calls would queue in the gateway instead of here. */
const CONNECTIONS_MAX = 256
const ANSWER_LIMIT_MS = 15_000

const kept = { keepAlive: true, maxSockets: CONNECTIONS_MAX }
const overHttp = { request: http.request, agent: new http.Agent(kept) }
const overHttps = { request: https.request, agent: new https.Agent(kept) }

/** Sends a buyer's call over a kept connection, at a third of the CPU that `fetch` takes. @throws when no answer comes */
export function call({ method, token, key, body }: BuyerCall, url: string): Promise<BuyerAnswer> {
  return new Promise((resolve, reject) => {
    const content = body && JSON.stringify(body)
    const headers = {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(content && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) }),
    }
    const { request, agent } = url.startsWith('https:') ? overHttps : overHttp
    const asked = request(url, { method, agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      // The gateway was killed in the middle of its answer.
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: objectOf(text) }))
    })
    asked.setTimeout(ANSWER_LIMIT_MS, () => asked.destroy(new Error(`No answer within ${ANSWER_LIMIT_MS} ms`)))
    asked.on('error', reject).end(content)
  })
}

function objectOf(text: string): Record<string, unknown> {
  return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
}
