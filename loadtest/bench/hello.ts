/** The yardstick: one POST, answered as Express answers when it has nothing to do and nobody has tuned it. */
import express from 'express'

const app = express()
app.get('/readyz', (_req, res) => {
  res.json({ ready: true })
})
app.post('/hello', express.json(), (_req, res) => {
  res.json({ hello: 'world' })
})
app.listen(Number(process.env.PORT), '127.0.0.1')
