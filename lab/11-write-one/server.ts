/**
 * The queue as a process. PORT is where it listens, FOLDER where its log is. FOLLOWER is the URL of another one, which
 * gets a copy of every entry before it is confirmed. FLAW takes a protection away: "confirm-first" or "ack-on-take".
 */
import { createServer, type IncomingMessage } from 'node:http'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Log, type LogOptions } from './log.ts'
import { MessageQueue } from './message-queue.ts'

const { PORT, FOLDER = '', FOLLOWER, FLAW } = process.env
/** On a slow machine, too, the kill comes first. */
const WRITE_LATER_MS = 60_000

async function copyToFollower(lines: string): Promise<void> {
  const { ok, status } = await fetch(`${FOLLOWER}/copy`, { method: 'POST', body: lines })
  if (!ok) throw new Error(`The follower answered ${status}.`)
}

await mkdir(FOLDER, { recursive: true })
const options: LogOptions = {
  ...(FOLLOWER ? { copies: [copyToFollower] } : {}),
  ...(FLAW === 'confirm-first' ? { writeLaterMs: WRITE_LATER_MS } : {}),
}
const { log, entries } = await Log.open(join(FOLDER, 'log'), options)
const queue = new MessageQueue(log, entries, { isAckedOnTake: FLAW === 'ack-on-take' })

/** @returns what is answered as JSON */
async function answer(path: string, body: string): Promise<unknown> {
  if (path === '/publish') return { offset: await queue.publish(body) }
  if (path === '/take') return { message: await queue.take(), unacknowledged: queue.unacknowledged }
  if (path === '/ack') await queue.ack(Number(body))
  if (path === '/copy') await log.appendLines(body)
  return {}
}

async function read(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

createServer((request, response) => {
  read(request)
    .then((body) => answer(request.url ?? '', body))
    .then((answered) => response.end(JSON.stringify(answered)))
    .catch((error: Error) => response.writeHead(503).end(error.message))
}).listen(Number(PORT), '127.0.0.1')
