import { Connection } from './connection.ts'
import type { OpenLane } from './lanes.ts'

const BODY = '{"quantity":1}'

/** Sends the same request again and again, by another buyer each time. Everything but the token is made once. */
export function httpLanes(address: string): OpenLane {
  const url = new URL(address)
  const before = `POST ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\nAuthorization: Bearer `
  const after = `\r\n\r\n${BODY}`
  return ({ onOpen, ...events }) => {
    const connection = new Connection(url, onOpen, events)
    return { send: (token) => connection.send(before + token + after), close: () => connection.close() }
  }
}
