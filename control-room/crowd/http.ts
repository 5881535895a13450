import http from 'node:http'
import https from 'node:https'

/** Of the whole crowd; more would wait in the gateway instead of here. */
const CONNECTIONS_MAX = 256
const ANSWER_LIMIT_MS = 15_000

export interface Answer {
  status: number
  body: Record<string, unknown>
}

const kept = { keepAlive: true, maxSockets: CONNECTIONS_MAX }
const overHttp = { request: http.request, agent: new http.Agent(kept) }
const overHttps = { request: https.request, agent: new https.Agent(kept) }

/** A JSON call over a kept connection; a third of what `fetch` costs. @throws when no answer comes */
export function call(method: 'GET' | 'POST', url: string, token?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = method === 'POST' ? '{}' : undefined
    const headers = {
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length }),
    }
    const { request, agent } = url.startsWith('https:') ? overHttps : overHttp
    const asked = request(url, { method, agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      // Half an answer is none: its gateway was killed.
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: objectOf(text) }))
    })
    asked.setTimeout(ANSWER_LIMIT_MS, () => asked.destroy(new Error(`No answer within ${ANSWER_LIMIT_MS} ms`)))
    asked.on('error', reject).end(body)
  })
}

function objectOf(text: string): Record<string, unknown> {
  return text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {}
}
