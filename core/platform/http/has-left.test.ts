import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../../test/support/eventually.ts'
import { createLog } from '../process/log.ts'
import { createMetrics } from '../process/metrics.ts'
import { startHttp } from './http-service.ts'

const CLIENTS = 200
/** Each connects, asks and leaves. */
const ASK_AND_LEAVE = `
const { connect } = require('node:net')
for (let i = 0; i < ${CLIENTS}; i++) {
  const socket = connect(Number(process.argv[1]), '127.0.0.1', () => socket.end('GET /work HTTP/1.1\\r\\nHost: shop\\r\\n\\r\\n'))
  socket.on('error', () => {})
  socket.on('finish', () => socket.unref())
}`

let http: Awaited<ReturnType<typeof startHttp>> | undefined
afterEach(() => http?.close())

test('a process that was paused works for no client who left meanwhile, and for the next at once', async () => {
  let worked = 0
  let left = 0
  http = await startHttp({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    metrics: createMetrics('test'),
    checks: {},
    onLeft: () => {
      left += 1
    },
    routes: (app) =>
      app.get('/work', (_req, res) => {
        worked += 1
        res.json({})
      }),
  })
  // Synchronous: this process, the server's, accepts none of them before all have left.
  execFileSync(process.execPath, ['-e', ASK_AND_LEAVE, String(http.port)])
  expect((await fetch(`http://127.0.0.1:${http.port}/work`)).status).toBe(200)
  await eventually(
    'all of them to be seen',
    () => left + worked,
    (seen) => seen === CLIENTS + 1,
  )
  expect({ worked, left }).toEqual({ worked: 1, left: CLIENTS })
})
