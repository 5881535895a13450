/**
 * Usage: npm run bench [-- [--rounds N] [--seconds S] [--connections N] [--quick] [--traces RATE]]
 *   --rounds N        3 when left out
 *   --seconds S       of each measurement; 6 when left out
 *   --connections N   128 when left out
 *   --quick           one round of 1 s: shows only that everything works
 *   --traces RATE     traces that share of the purchases, from 0 to 1; without it, tracing is off
 *   --only IDS        only these measures of each round, as run-bench.ts names them: --only plain,buy,buyWriting
 * Takes about half an hour, with --quick three minutes: between two measures the work of the first is waited for.
 * Starts a system of its own, also beside a running one, measures it and its rivals in interleaved rounds, and ends
 * non-zero when an answer was not as expected or a unit is not accounted for. It never fails for being slow.
 */
import { commandLine, numberOf } from '../../core/platform/process/command-line.ts'
import { table } from './report/table.ts'
import { runBench } from './run-bench.ts'
import { writeRunFiles } from './run-file.ts'

const { values } = commandLine({
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  connections: { type: 'string', default: '128' },
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  traces: { type: 'string' },
})
const options = {
  rounds: numberOf('--rounds', values.rounds ?? (values.quick ? '1' : '3'), [1, 1_000]),
  seconds: numberOf('--seconds', values.seconds ?? (values.quick ? '1' : '6'), [0.1, 3_600], { isWhole: false }),
  connections: numberOf('--connections', values.connections, [1, 10_000]),
  ...(values.only !== undefined && { only: values.only.split(',') }),
  ...(values.traces !== undefined && { traces: numberOf('--traces', values.traces, [0, 1], { isWhole: false }) }),
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
  const { message, stack } = error as Error
  console.error(stopRequest.signal.aborted ? message : stack)
  process.exitCode = 1
}
