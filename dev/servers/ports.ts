import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the ports that a system gives to outgoing connections (Linux from 32768, macOS and Windows from 49152): a port that
 * waits for its program to be started again is not taken by a client meanwhile. `listen(0)` chooses among just those.
 */
const CHOSEN_FROM = { lowest: 20_000, highest: 32_767 }

const handedOut = new Set<number>()

/** A TCP port nobody listens on just now, and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(CHOSEN_FROM.lowest, CHOSEN_FROM.highest + 1)
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (await isFree(port)) return port
  }
}

/** @throws one sentence when somebody else listens there, or when this user may not. */
export async function claimable(port: number, variable: string): Promise<number> {
  try {
    await listen(port)
    return port
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${(error as Error).message})`
    throw new Error(`Port ${port} ${why}. Stop that program, or choose another port: ${variable}=${port + 100} npm start`, { cause: error })
  }
}

async function isFree(port: number): Promise<boolean> {
  try {
    await listen(port)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
}

async function listen(port: number): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  await new Promise((resolve) => server.close(resolve))
}
