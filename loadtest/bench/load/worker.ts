/** The generator as the bench's child: takes plans, and answers with what came of each. */
import { createSigner } from 'fast-jwt'
import { buyerIdOf, type FromWorker, type LoadPlan } from './plan.ts'
import { runLoad } from './run-load.ts'

/** Signed before the first run; signing takes 5 µs each. */
const SIGNED_FIRST = 100_000

const say = (message: FromWorker) => process.send?.(message)
const options = { algorithm: 'HS256', aud: 'seckill', expiresIn: 24 * 3_600_000 } as const
const sign = createSigner({ key: process.env.TOKEN_SECRET ?? '', ...options })
const tokens = Array.from({ length: SIGNED_FIRST }, (_, buyer) => sign({ sub: buyerIdOf(buyer) }))
const tokenOf = (buyer: number) => (tokens[buyer] ??= sign({ sub: buyerIdOf(buyer) }))

process.on('message', (plan: LoadPlan) => {
  runLoad(plan, tokenOf).then(say, (error: Error) => say({ error: error.stack ?? error.message }))
})
// The bench is gone, however it went.
process.on('disconnect', () => process.exit())
