import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A proxy between a client and a server that simulates network faults. */
export interface TcpProxy {
  port: number
  /** Cuts every connection and refuses new ones. */
  cut: () => void
  /** Resets every connection (RST), like a host that has restarted, and refuses new ones. */
  reset: () => void
  /** Cuts after this many answers of the server. */
  cutAfter: (answers: number) => void
  /** Ends a cut, a delay and the loss of requests and answers. */
  restore: () => void
  /** Silences the open connections, as behind a dead host; new ones work. */
  freeze: () => void
  /** Delays both directions from now on. */
  delay: (ms: number) => void
  /** Cuts a connection when the server answers with this text: the work is done, but the answer never arrives. */
  loseAnswers: (text: string) => void
  /** Cuts a connection when the client sends this text, which never arrives. */
  loseRequests: (text: string) => void
  /** Number of requests and answers lost so far. */
  lost: () => number
  close: () => Promise<void>
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const frozen = new WeakSet<Socket>()
  let isCut = false
  let answersLeft = Infinity
  let delayMs = 0
  let answerToLose: string | undefined
  let requestToLose: string | undefined
  let lost = 0

  async function passOn(from: Socket, to: Socket, isToLose: (chunk: Buffer) => boolean): Promise<void> {
    // The stream buffers chunks that arrive during a delay, so that latency grows and throughput hardly falls.
    for await (const chunk of from as AsyncIterable<Buffer>) {
      if (delayMs > 0) await sleep(delayMs)
      if (frozen.has(from)) await once(from, 'close')
      if (isToLose(chunk) || to.destroyed) return
      if (!to.write(chunk)) await once(to, 'drain')
    }
    to.end()
  }

  function isAnswerLost(chunk: Buffer): boolean {
    if (--answersLeft === 0) proxy.cut()
    return isLost(chunk, answerToLose)
  }

  const isRequestLost = (chunk: Buffer) => isLost(chunk, requestToLose)

  function isLost(chunk: Buffer, textToLose: string | undefined): boolean {
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
      // An error here means that both sockets are closing already.
      passOn(socket, other, socket === upstream ? isAnswerLost : isRequestLost).catch(() => other.destroy())
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
      answerToLose = undefined
      requestToLose = undefined
    },
    freeze() {
      for (const socket of sockets) frozen.add(socket)
    },
    delay(ms) {
      delayMs = ms
    },
    loseAnswers(text) {
      answerToLose = text
    },
    loseRequests(text) {
      requestToLose = text
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
