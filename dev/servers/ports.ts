import { createServer, type AddressInfo } from 'node:net'

/** A TCP port nobody listens on just now. It is free again when this returns, so use it soon. */
export async function freePort(): Promise<number> {
  return await listen(0)
}

/** @throws one sentence when somebody else listens there, or when this user may not. */
export async function claimable(port: number, variable: string): Promise<number> {
  try {
    return await listen(port)
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${(error as Error).message})`
    throw new Error(`Port ${port} ${why}. Stop that program, or choose another port: ${variable}=${port + 100} npm start`, { cause: error })
  }
}

async function listen(port: number): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  const chosen = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return chosen
}
