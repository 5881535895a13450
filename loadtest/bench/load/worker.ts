/** The generator as the bench's child: takes a plan, answers with what came of it, and tells of samples meanwhile. */
import { Buyers } from './buyers.ts'
import { httpLanes } from './http-lane.ts'
import type { FromWorker, ToWorker } from './plan.ts'
import { redisLanes } from './redis-lane.ts'
import { runLoad } from './run-load.ts'

const say = (message: FromWorker) => process.send?.(message)
const buyers = new Buyers(process.env.TOKEN_SECRET ?? '', 'bench')

process.on('message', (message: ToWorker) => {
  run(message).then(
    (result) => say({ result }),
    (error: Error) => say({ error: error.message }),
  )
})
// The bench is gone, however it went.
process.on('disconnect', () => process.exit())

async function run({ plan, signIn }: ToWorker) {
  if (plan.kind === 'redis') {
    const lanes = await redisLanes(plan.url)
    const result = await runLoad(plan, { buyers, openLane: lanes.openLane })
    await lanes.close()
    return result
  }
  buyers.signIn(signIn)
  return await runLoad(plan, { buyers, openLane: httpLanes(plan.url), onSample: (sample) => say({ sample }) })
}
