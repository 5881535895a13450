/**
 * The load generator, in a process of its own. By hand, against anything that sells as the gateway does:
 *   TOKEN_SECRET=… node --import tsx loadtest/bench/load.ts --url http://localhost:3000 --sale demo --connections 64
 *   --seconds 5
 *   (npm start keeps that secret in its data folder, secrets/TOKEN_SECRET)
 *   … --mode open --rate 5000          buyers come at a fixed rate
 *   … --buyers 1                       one buyer, again and again
 *   … --url http://localhost:3999/hello (without --sale: this very address)
 * Started by the bench, it takes plans as messages and answers with results.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Buyers } from './load/buyers.ts'
import { httpLanes } from './load/http-lane.ts'
import { OUTCOMES } from './load/outcomes.ts'
import type { LoadPlan, LoadResult } from './load/plan.ts'
import { runLoad } from './load/run-load.ts'

const buyers = new Buyers(
  process.env.TOKEN_SECRET ?? 'a secret that no shop has: only for what checks no token',
  randomBytes(4).toString('hex'),
)
const plan = planOf(process.argv.slice(2))
buyers.signIn(plan.buyers ?? 20_000 * plan.seconds)
const result = await runLoad(plan, { buyers, openLane: httpLanes(plan.url) })
for (const line of describe(result)) console.log(line)

function describe({ perSecond, outcomes, statuses, latencyMs, ...run }: LoadResult): string[] {
  const { p50, p95, p99, p999, max } = latencyMs
  return [
    `per second   ${OUTCOMES.map((outcome) => `${outcome} ${perSecond[outcome].toFixed(0)}`).join(', ')}`,
    `in all       ${OUTCOMES.map((outcome) => `${outcome} ${outcomes[outcome]}`).join(', ')}; ${run.unanswered} unanswered, ${run.unsent} unsent`,
    `by status    ${JSON.stringify(statuses)}`,
    `latency ms   p50 ${p50.toFixed(2)}, p95 ${p95.toFixed(2)}, p99 ${p99.toFixed(2)}, p99.9 ${p999.toFixed(2)}, longest ${max.toFixed(2)}`,
    `generator    ${run.cpu.microsPerRequest.toFixed(1)} us a request, ${(100 * run.cpu.shareOfOneCore).toFixed(0)} % of a core, ${run.connectionsUsed} connections`,
    ...run.failures.map((failure) => `failure      ${failure}`),
  ]
}

function planOf(args: string[]): LoadPlan {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: 'string' },
      sale: { type: 'string' },
      mode: { type: 'string', default: 'closed' },
      rate: { type: 'string', default: '1000' },
      connections: { type: 'string', default: '64' },
      'connections-max': { type: 'string', default: '512' },
      seconds: { type: 'string', default: '5' },
      buyers: { type: 'string' },
    },
  })
  if (!values.url || !['closed', 'open'].includes(values.mode))
    throw new Error('Expected --url <address> [--sale <id>] [--mode closed|open]; see the top of this file.')
  return {
    kind: 'http',
    url: values.sale ? new URL(`/sales/${values.sale}/reservations`, values.url).href : values.url,
    mode: values.mode === 'open' ? 'open' : 'closed',
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    connectionsMax: Number(values['connections-max']),
    ratePerSecond: Number(values.rate),
    firstBuyer: 0,
    ...(values.buyers ? { buyers: Number(values.buyers) } : {}),
  }
}
