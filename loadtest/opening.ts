import { fail } from 'k6'
import type { Options, Scenario } from 'k6/options'
import { createSale } from './lib/control-room.ts'
import { everyUnitAccounted, nothingUnexpected } from './lib/counters.ts'
import { accountFor } from './lib/sale.ts'
import { requestChallenge } from './lib/shop.ts'
import { commonOptions, grouped, type Metrics, row, summaryOf } from './lib/summary.ts'
import { AT_ONCE_MAX } from './opening/buyers.ts'
import { buyerOf, sizes } from './opening/steps.ts'
import {
  boughtAfterOf,
  type Kind,
  KINDS,
  type SetUp,
  ticketsOf,
  TRIAL_NAMES,
  type TrialName,
  TRIALS,
  unitsOf,
} from './opening/trials.ts'

export { farm, people, scripts } from './opening/buyers.ts'

/**
 * Who gets the units? People, scripts and a farm want more than there is, in one sale after another, each under other
 * protections.
 */
const { stock } = sizes
const vusOf: Record<Kind, number> = { people: sizes.people, scripts: sizes.scripts, farm: 1 }
/** Between two sales, so that none meets requests of the one before it. */
const GAP_SECONDS = 3

let nextStartSeconds = 0
const turns = TRIAL_NAMES.map((name) => {
  const { leadSeconds, openSeconds } = TRIALS[name]
  const startSeconds = nextStartSeconds
  const opensSeconds = startSeconds + leadSeconds
  const endSeconds = opensSeconds + openSeconds
  nextStartSeconds = endSeconds + GAP_SECONDS
  return { name, startSeconds, opensSeconds, endSeconds }
})

export const options: Options = {
  ...commonOptions,
  scenarios: Object.fromEntries(
    turns.flatMap((turn) => KINDS.map((kind) => [`${turn.name}_${kind}`, inTurn(turn, kind)])),
  ),
  batch: AT_ONCE_MAX,
  batchPerHost: AT_ONCE_MAX,
  thresholds: {
    ...everyUnitAccounted(TRIAL_NAMES.length),
    unexpected: nothingUnexpected.unexpected ?? [],
    http_req_failed: nothingUnexpected.http_req_failed ?? [],
    // No buyer was cut off before they knew.
    iterations: [`count==${TRIAL_NAMES.length * KINDS.reduce((sum, kind) => sum + vusOf[kind], 0)}`],
    ...figuresOfTrials(),
  },
}

export const handleSummary = summaryOf('opening', { more: whoGotThem })

function figuresOfTrials(): NonNullable<Options['thresholds']> {
  const figures: Record<string, string[]> = {}
  for (const name of TRIAL_NAMES) {
    // A sale in which too few want a unit would show nothing.
    figures[`units{trial:${name}}`] = [`count==${stock}`]
    figures[boughtAfterOf(name)] = ['max>=0']
    for (const kind of KINDS) for (const read of [unitsOf, ticketsOf]) figures[read(name, kind)] = ['count>=0']
  }
  return figures
}

function inTurn({ name, startSeconds, endSeconds }: (typeof turns)[number], kind: Kind): Scenario {
  return {
    executor: 'per-vu-iterations',
    exec: kind,
    vus: vusOf[kind],
    iterations: 1,
    startTime: `${startSeconds}s`,
    maxDuration: `${endSeconds - startSeconds + GAP_SECONDS - 1}s`,
    gracefulStop: '0s',
    env: { TRIAL: name },
    tags: { trial: name, kind },
  }
}

/** All sales stand there from the beginning; each opens in its turn. */
export function setup(): SetUp {
  const run = Date.now().toString(36)
  refuseOneAddress(`k6-${run}-addresses`)
  const startMs = Date.now()
  const atMs = (seconds: number) => startMs + seconds * 1_000
  const sales = turns.map(({ name, opensSeconds, endSeconds }) => {
    const sale = { id: `k6-${run}-${name.toLowerCase()}`, opensAtMs: atMs(opensSeconds), endsAtMs: atMs(endSeconds) }
    createSale({ ...times(sale.opensAtMs), id: sale.id, stock, perBuyerLimit: 1, opening: TRIALS[name].opening })
    return [name, sale] as const
  })
  return { sizes, sales: Object.fromEntries(sales) }
}

const times = (opensAtMs: number) => ({ opensAt: new Date(opensAtMs), closesAt: new Date(opensAtMs + 24 * 3_600_000) })

/** Buyers have addresses of their own, which the gateway must believe: many accounts of one address have more work. */
function refuseOneAddress(id: string): void {
  const opening = { ticket: { fromMinutesBefore: 10 }, proofOfWork: { tries: 10 } }
  createSale({ ...times(Date.now() + 60_000), id, stock: 1, perBuyerLimit: 1, opening })
  const works = Array.from({ length: 7 }, (_, i) => {
    const buyer = buyerOf('people', i, id)
    return Number(requestChallenge(id, buyer, buyer.id).json('parameters.data.triesMax'))
  })
  if (new Set(works).size !== 1)
    fail('The gateway takes all buyers for one address; start it as loadtest/README.md says, with TRUST_PROXY_HOPS=1.')
}

export function teardown({ sales }: SetUp): void {
  for (const sale of Object.values(sales)) if (sale) accountFor({ id: sale.id, stock })
}

/** A row per sale. */
function whoGotThem(metrics: Metrics): string[] {
  const countOf = (metric: string) => grouped(metrics[metric]?.values.count ?? 0)
  const cells = (name: TrialName) => [
    ...KINDS.map((kind) => countOf(unitsOf(name, kind))),
    countOf(ticketsOf(name, 'farm')),
    ((metrics[boughtAfterOf(name)]?.values.max ?? 0) / 1_000).toFixed(1),
  ]
  return [
    '',
    row('units got by', [...KINDS, 'tickets', 'last, s']),
    ...TRIAL_NAMES.map((name) => row(name, cells(name))),
  ]
}
