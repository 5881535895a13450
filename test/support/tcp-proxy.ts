import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a server, to take the server away without touching it. */
export interface TcpProxy {
  port: number
  /** Cuts every connection and refuses new ones. */
  cut: () => void
  /** Cuts when the server has answered so many times. */
  cutAfter: (answers: number) => void
  restore: () => void
  /** Lets the connections that are open fall silent, as behind a host that died; new ones work. */
  freeze: () => void
  close: () => Promise<void>
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let isCut = false
  let answersLeft = Infinity
  const server = createServer((client) => {
    if (isCut) { client.destroy(); return }
    const upstream = connect(target)
    upstream.on('data', () => { if (--answersLeft === 0) proxy.cut() })
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(socket)
      socket.on('close', () => { sockets.delete(socket); other.destroy() })
      socket.on('error', () => other.destroy())
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  const destroyAll = () => { for (const socket of sockets) socket.destroy() }
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    cut() { isCut = true; destroyAll() },
    cutAfter(answers) { answersLeft = answers },
    restore() { isCut = false },
    freeze() { for (const socket of sockets) socket.unpipe().pause() },
    async close() {
      destroyAll()
      await new Promise<void>((resolve) => { server.close(() => resolve()) })
    },
  }
  return proxy
}
