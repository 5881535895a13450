/**
 * Usage: npm run bench [-- [--rounds N] [--seconds S] [--connections N] [--quick] [--traces RATE] [--masters N]
 *                              [--only IDS] [--draw N --seed S]]
 *   --rounds N        3 when left out
 *   --seconds S       of each measurement; 6 when left out
 *   --connections N   128 when left out
 *   --quick           one round of 1 s: shows only that everything works
 *   --traces RATE     traces that share of the purchases, from 0 to 1; without it, tracing is off
 *   --masters N       on a Redis Cluster of so many masters, four shards of a sale for each; rivals stay on one Redis
 *   --only IDS        only these measures of each round, as steps.ts names them: --only plain,buy,buyWriting
 *   --draw N          only what others are compared with, and N of the others
 *   --seed S          draws the same ones again, such as a commit
 * Takes about half an hour, with --quick three minutes: between two measures the work of the first is waited for.
 * Starts a system of its own, also beside a running one, measures it and its rivals in interleaved rounds, and ends
 * non-zero when an answer was not as expected or a unit is not accounted for. It never fails for being slow.
 */
import { commandLine, numberOf, refuse } from '../../core/platform/process/command-line.ts'
import { MASTERS_MAX } from './masters.ts'
import { table } from './report/table.ts'
import { runBench } from './run-bench.ts'
import { writeRunFiles } from './run-file.ts'
import { drawSteps, isStep, STEP_IDS, type StepId } from './steps.ts'

const { values } = commandLine({
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  connections: { type: 'string', default: '128' },
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  draw: { type: 'string' },
  seed: { type: 'string' },
  traces: { type: 'string' },
  masters: { type: 'string' },
})
const options = {
  rounds: numberOf('--rounds', values.rounds ?? (values.quick ? '1' : '3'), [1, 1_000]),
  seconds: numberOf('--seconds', values.seconds ?? (values.quick ? '1' : '6'), [0.1, 3_600], { isWhole: false }),
  connections: numberOf('--connections', values.connections, [1, 10_000]),
  ...chosenSteps(),
  ...(values.traces !== undefined && { traces: numberOf('--traces', values.traces, [0, 1], { isWhole: false }) }),
  ...(values.masters !== undefined && { masters: numberOf('--masters', values.masters, [1, MASTERS_MAX]) }),
}

const stopRequest = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => stopRequest.abort(new Error('Stopped before its end.')))

try {
  const run = await runBench(options, stopRequest.signal)
  console.log(table(run))
  console.log(await writeRunFiles(run))
  for (const line of run.unexpected) console.error(`UNEXPECTED ${line}`)
  if (run.unexpected.length > 0) process.exitCode = 1
} catch (error) {
  const { signal } = stopRequest
  console.error(signal.aborted ? (signal.reason as Error).message : (error as Error).stack)
  process.exitCode = 1
}

function chosenSteps(): { only?: StepId[] } {
  const { only, draw, seed } = values
  if (draw !== undefined) {
    if (only !== undefined) refuse('--draw and --only exclude each other.')
    if (seed === undefined) refuse('--draw needs --seed, so that the same measures can be drawn again.')
    return { only: drawSteps(numberOf('--draw', draw, [0, STEP_IDS.length]), seed) }
  }
  if (only === undefined) return {}
  const ids = only.split(',')
  const unknown = ids.filter((id) => !isStep(id))
  if (unknown.length > 0) refuse(`--only: there is no measure ${unknown.join(', ')}; there are ${STEP_IDS.join(', ')}.`)
  return { only: ids.filter(isStep) }
}
