import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Stands between a client and a server, to take the server away without touching it. */
export interface TcpProxy {
  port: number
  /** Cuts every connection and refuses new ones. */
  cut: () => void
  /** Cuts every connection as a host does that has forgotten them (RST), and refuses new ones. */
  reset: () => void
  /** Cuts when the server has answered so many times. */
  cutAfter: (answers: number) => void
  /** Takes back a cut and a delay, and loses no more answers. */
  restore: () => void
  /** Lets the connections that are open fall silent, as behind a host that died; new ones work. */
  freeze: () => void
  /** Whatever is sent from now on arrives so much later, in either direction. */
  delay: (ms: number) => void
  /** Cuts every connection on which the server answers with this text, which never arrives: done, and nobody knows. */
  loseAnswers: (text: string) => void
  /** Answers lost so far. */
  lost: () => number
  close: () => Promise<void>
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const frozen = new WeakSet<Socket>()
  let isCut = false
  let answersLeft = Infinity
  let delayMs = 0
  let textToLose: string | undefined
  let lost = 0

  async function passOn(from: Socket, to: Socket, isLost: (chunk: Buffer) => boolean): Promise<void> {
    // Whatever has come meanwhile is read at once, so that a delay is one of time and hardly of throughput.
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (delayMs > 0) await sleep(delayMs)
      if (frozen.has(from)) await once(from, 'close')
      if (isLost(chunk) || to.destroyed) return
      if (!to.write(chunk)) await once(to, 'drain')
    }
    to.end()
  }

  function isAnswerLost(chunk: Buffer): boolean {
    if (--answersLeft === 0) proxy.cut()
    if (textToLose === undefined || !chunk.includes(textToLose)) return false
    lost += 1
    return true
  }

  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = connect(target)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.on('error', () => other.destroy())
      // What breaks off here has closed both sockets already.
      passOn(socket, other, socket === upstream ? isAnswerLost : () => false).catch(() => other.destroy())
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true
      destroyAll()
    },
    reset() {
      isCut = true
      for (const socket of sockets) socket.resetAndDestroy()
    },
    cutAfter(answers) {
      answersLeft = answers
    },
    restore() {
      isCut = false
      delayMs = 0
      textToLose = undefined
    },
    freeze() {
      for (const socket of sockets) frozen.add(socket)
    },
    delay(ms) {
      delayMs = ms
    },
    loseAnswers(text) {
      textToLose = text
    },
    lost: () => lost,
    async close() {
      destroyAll()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
  return proxy
}
