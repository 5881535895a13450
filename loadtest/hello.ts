import express from 'express'

/** The yardstick: one POST, answered as Express answers when it has nothing to do. */
const app = express()
app.post('/hello', express.json(), (_req, res) => { res.json({ hello: 'world' }) })
app.listen(Number(process.env.PORT), '127.0.0.1')
