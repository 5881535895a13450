import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

/**
 * Below the ports that a system gives to outgoing connections (Linux from 32768, macOS and Windows from 49152): a port
 * that waits for its program to be started again is not taken by a client meanwhile. `listen(0)` chooses among just
 * those.
 */
const CHOSEN_FROM = { lowest: 20_000, highest: 32_767 }

const BLOCK = 64
const BLOCKS = Math.floor((CHOSEN_FROM.highest - CHOSEN_FROM.lowest + 1) / BLOCK)
/** Ports of the blocks that this process has claimed, not handed out yet. */
const claimed: number[] = []
let claiming: Promise<void> | undefined
const CLAIMS_MAX = 1_000
const CONNECT_LIMIT_MS = 500

/**
 * A TCP port that is free now, and that no other process which chooses here gets as long as this one runs: a service
 * that is restarted finds its port again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = claimed.shift()
    if (port === undefined) await (claiming ??= claimBlock().finally(() => (claiming = undefined)))
    else if (!(await refusalOf(port))) return port
  }
}

/** Listens on the first port of a block for as long as this process runs: the block is taken. */
async function claimBlock(): Promise<void> {
  for (let tries = 0; tries < CLAIMS_MAX; tries++) {
    const first = CHOSEN_FROM.lowest + randomInt(BLOCKS) * BLOCK
    const sentinel = createServer((socket) => socket.destroy()).unref()
    const isOurs = await new Promise<boolean>((resolve) => {
      sentinel
        .once('error', () => resolve(false))
        .listen({ port: first, host: '127.0.0.1', exclusive: true }, () => resolve(true))
    })
    if (!isOurs) continue
    for (let port = first + 1; port < first + BLOCK; port++) claimed.push(port)
    return
  }
  throw new Error(
    `No ${BLOCK} ports in a row are free from ${CHOSEN_FROM.lowest} to ${CHOSEN_FROM.highest}; end what holds them`,
  )
}

export interface WantedPort {
  /** Chooses the port, as in GATEWAY_PORT. */
  variable: string
  port: number
}

/** @throws one sentence that names every port we cannot have, with one command that chooses ports that are free now. */
export async function claimPorts(wanted: readonly WantedPort[]): Promise<void> {
  const faults: string[] = []
  const choices: string[] = []
  for (const [i, { variable, port }] of wanted.entries()) {
    const twin = wanted.slice(0, i).find((other) => other.port === port)
    const why = twin ? `is also that of ${twin.variable}` : await refusalOf(port)
    if (!why) continue
    faults.push(`Port ${port} (${variable}) ${why}.`)
    choices.push(`${variable}=${await freePort()}`)
  }
  if (faults.length > 0)
    throw new Error(`${faults.join(' ')} Stop what runs there, or choose other ports: ${choices.join(' ')} npm start`)
}

/** Why we cannot have a port; undefined when we can. */
async function refusalOf(port: number): Promise<string | undefined> {
  // Both are called localhost: a program that listens on one of them gets a part of what is meant for us.
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => isAnswered(port, host)))
  if (answers.includes(true)) return 'is taken by another program'
  const server = createServer()
  const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once('error', resolve).listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(undefined))
  })
  if (!failure) await new Promise((resolve) => server.close(resolve))
  return failure && `cannot be used (${failure.code})`
}

async function isAnswered(port: number, host: string): Promise<boolean> {
  const socket = connect({ port, host, timeout: CONNECT_LIMIT_MS })
  try {
    return await new Promise<boolean>((resolve) => {
      socket
        .once('connect', () => resolve(true))
        .once('error', () => resolve(false))
        .once('timeout', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}
