/**
 * Usage: npm run sizing -- --buyers N --seconds N --stock N [--order-seconds N] [--pay-seconds N] [--bench FILE]
 *   --buyers, --seconds   so many buyers come within so many seconds
 *   --stock               units of the sale; each buyer takes one
 *   --order-seconds N     within which the orders are written (60)
 *   --pay-seconds N       within which they are paid (300)
 *   --bench FILE          raw figures of npm run bench on a machine like yours (docs/bench/bench.json)
 * Prints processes, cores, memory, connections and settings for one sale, each with its formula, and the next limit;
 * then plays the sale, up to 1,000,000 buyers, in a simulation. docs/scaling.md says what is measured and what is
 * calculated.
 */
import { readdirSync } from 'node:fs'
import Table from 'cli-table3'
import { DATABASE_CONNECTIONS as cancelWorker } from '../../cancel-worker/config.ts'
import { DATABASE_CONNECTIONS as controlRoom } from '../../control-room/config.ts'
import { commandLine, numberOf, refuse } from '../../core/platform/process/command-line.ts'
import { GatewayConfig } from '../../gateway/config.ts'
import { DATABASE_CONNECTIONS as orderService } from '../../order-service/config.ts'
import { connectionsFor, SubscribersConfig } from '../../subscribers/runtime/config.ts'
import { readRunFile } from '../bench/run-file.ts'
import { costsOf } from '../bench/costs.ts'
import { type Reckoning, reckon } from './reckon.ts'
import { EARLY, EVENLY, provisionOf, simulate, type Simulated } from './simulate.ts'

const SIMULATED_BUYERS_MAX = 1_000_000

const { values } = commandLine({
  buyers: { type: 'string' },
  seconds: { type: 'string' },
  stock: { type: 'string' },
  'order-seconds': { type: 'string', default: '60' },
  'pay-seconds': { type: 'string', default: '300' },
  bench: { type: 'string', default: 'docs/bench/bench.json' },
})
const needed = (option: 'buyers' | 'seconds' | 'stock', most: number) =>
  values[option] === undefined
    ? refuse(`--${option} is missing.`)
    : numberOf(`--${option}`, values[option], [1, most], { isWhole: option !== 'seconds' })
const plan = {
  buyers: needed('buyers', 1e9),
  seconds: needed('seconds', 86_400),
  stock: needed('stock', 1e9),
  orderSeconds: numberOf('--order-seconds', values['order-seconds'], [1, 86_400]),
  paySeconds: numberOf('--pay-seconds', values['pay-seconds'], [1, 86_400]),
}
const run = await readRunFile(values.bench)
const subscribers = readdirSync('subscribers').filter((file) => /^(?!main\.)[\w-]+\.ts$/.test(file)).length
const partitions = SubscribersConfig.shape.SUBSCRIBER_PARTITIONS.parse(undefined)
const facts = {
  connectionsMax: GatewayConfig.shape.CONNECTIONS_MAX.parse(undefined),
  pools: { orderService, cancelWorker, controlRoom, subscribers: 1 + subscribers * connectionsFor(partitions) },
}
const costs = costsOf(run)
console.log(`Costs: ${values.bench}, commit ${run.commit}, ${run.machine}. Calculated, not measured at this size.`)
console.log(shown(reckon(plan, costs, facts)))
if (plan.buyers <= SIMULATED_BUYERS_MAX) {
  const provision = provisionOf(plan, costs, facts)
  console.log('Simulated, without the network and the disks:')
  console.log(`  evenly: ${told(simulate(plan, costs, provision, EVENLY))}`)
  console.log(`  half of the buyers in the first fifth: ${told(simulate(plan, costs, provision, EARLY))}`)
}

function told({ accepted, acceptedSeconds, refusedSeconds, intakeMax, orderSeconds }: Simulated): string {
  const ms = (seconds: number) => `${(seconds * 1_000).toFixed(seconds < 0.01 ? 1 : 0)} ms`
  return (
    `${accepted.toLocaleString('en')} × 202 after ${ms(acceptedSeconds.median)} (p99 ${ms(acceptedSeconds.p99)}), ` +
    (refusedSeconds.p99 > 0 ? `"sold out" after ${ms(refusedSeconds.p99)} (p99), ` : '') +
    `${intakeMax.toLocaleString('en')} at the intake at most, orders after ${orderSeconds.toFixed(1)} s at most`
  )
}

function shown({ rows, settings, limits }: Reckoning): string {
  const table = new Table({
    head: ['', 'processes', 'cores', 'memory, MB', 'formula'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'left'],
    colWidths: [22, null, null, null, 62],
    wordWrap: true,
  })
  for (const { component, count, cores, memoryMb, formula } of rows)
    table.push([component, count, cores.toFixed(1), memoryMb, formula])
  const set = Object.entries(settings).map(([name, value]) => `  ${name}: ${value}`)
  const [next, ...others] = limits.map(({ what, used }) => `${what}: ${(100 * used).toFixed(0)} % used`)
  return [table.toString(), 'Set:', ...set, `Next limit: ${next}`, ...others.map((limit) => `  then ${limit}`)].join(
    '\n',
  )
}
