import type { Server, ServerOptions } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/**
 * Connections that the kernel queues until we accept them. With Node's 511 the excess of a rush would retry after 1 s.
 */
const BACKLOG = 4_096
/** A connection without traffic for this long is closed: the peer is gone, or does not read its answer. */
const SILENCE_LIMIT_MS = 60_000
const CLOSE_LIMIT_MS = 10_000

/** Limits on slow senders. */
export const serverLimits: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 20_000,
  // How often both are checked; Node's default of 30 s would turn the 10 s into 40 s.
  connectionsCheckingInterval: 1_000,
  // Longer than proxies, and our own gateway, keep an idle connection: a request that is sent on a connection that we
  // are just closing is lost.
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16_384,
  // http-service.ts refuses a missing Host with a problem document.
  requireHostHeader: false,
}

/** At the limit, new connections are refused and idle ones are closed to make room. */
export function limitConnections(server: Server, connectionsMax: number): void {
  server.maxHeadersCount = 0
  server.maxConnections = connectionsMax
  server.on('drop', () => server.closeIdleConnections())
  server.setTimeout(SILENCE_LIMIT_MS)
}

/** @returns the port. @throws when the port is taken */
export async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isTaken = error.code === 'EADDRINUSE'
      reject(isTaken ? new Error(`Port ${port} on ${host} is taken; free it or choose another`) : error)
    })
    server.listen({ port, host, backlog: BACKLOG }, resolve)
  })
  return (server.address() as AddressInfo).port
}

/** The open connections of a server, kept up to date. */
export function trackConnections(server: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  return connections
}

/** Stops accepting, waits up to 10 s for requests in flight, then closes every connection. */
export async function closeServer(server: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const limit = setTimeout(() => server.closeAllConnections(), CLOSE_LIMIT_MS)
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
    // Browsers preconnect. Node does not count a connection without a request as idle and would wait for it.
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy()
  })
  clearTimeout(limit)
}
