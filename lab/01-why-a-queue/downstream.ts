/**
 * A downstream service in a process of its own, so that it can be frozen: it does a little work for each request, and
 * answers. PORT is where it listens, WORK_MS how long its work takes.
 */
import { createServer } from 'node:http'

const workMs = Number(process.env.WORK_MS)

const server = createServer((_request, response) => {
  setTimeout(() => response.writeHead(204).end(), workMs)
})
// A connection that is closed while the shop uses it again would count as no answer.
server.keepAliveTimeout = 0
server.listen(Number(process.env.PORT), '127.0.0.1')
