import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Takes spans and forgets them: what is measured is what tracing costs the services. */
export async function startTraceSink(): Promise<{ url: string; stop: () => void }> {
  let bytes = 0
  const server = createServer((req, res) => {
    req.on('data', (part: Buffer) => {
      bytes += part.length
    })
    req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      console.error(`spans taken: ${(bytes / 2 ** 20).toFixed(1)} MB`)
      server.closeAllConnections()
      server.close()
    },
  }
}
