/**
 * The yardsticks: one POST with a JSON body, answered with JSON as node:http (P) and Express (H) do it when
 * they have nothing else to do.
 */
import { createServer } from 'node:http'
import express from 'express'

const port = Number(process.env.PORT)
const answer = { hello: 'world' }

if (process.env.YARDSTICK === 'hello') {
  const app = express()
  app.get('/readyz', (_req, res) => {
    res.json(answer)
  })
  app.post('/hello', express.json(), (_req, res) => {
    res.json(answer)
  })
  app.listen(port, '127.0.0.1')
} else {
  createServer((req, res) => {
    const chunks: Buffer[] = []
    req.on('data', (chunk: Buffer) => chunks.push(chunk))
    req.on('end', () => {
      if (req.method === 'POST') JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const body = JSON.stringify(answer)
      res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      res.end(body)
    })
  }).listen(port, '127.0.0.1')
}
