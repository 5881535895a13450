/**
 * npm run bench [-- --rounds 3] [--seconds 6] [--connections 128] [--quick]
 * Takes about ten minutes; --quick (one round of 2 s) about 90 s, and shows only that everything works.
 * Starts a system of its own beside whatever runs, measures it and its rivals in interleaved rounds, and ends non-zero
 * when an answer was not as expected or a unit is not accounted for. It never fails for being slow.
 */
import { parseArgs } from 'node:util'
import { runBench } from './run-bench.ts'
import { table } from './report/table.ts'
import { writeResults } from './report/write-results.ts'

const { values } = parseArgs({ options: {
  rounds: { type: 'string' }, seconds: { type: 'string' }, connections: { type: 'string', default: '128' }, quick: { type: 'boolean', default: false },
} })
const options = {
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  seconds: Number(values.seconds ?? (values.quick ? 2 : 6)),
  connections: Number(values.connections),
}
if (!Object.values(options).every((value) => value > 0)) {
  console.error('Expected numbers above zero: npm run bench -- [--rounds 3] [--seconds 6] [--connections 128] [--quick]')
  process.exit(2)
}

const stopRequest = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopRequest.abort(new Error('Stopped before its end.')))

try {
  const run = await runBench(options, stopRequest.signal)
  console.log(table(run))
  console.log(await writeResults(run))
  for (const line of run.unexpected) console.error(`UNEXPECTED ${line}`)
  if (run.unexpected.length > 0) process.exitCode = 1
} catch (error) {
  const { message, stack } = error as Error
  console.error(stopRequest.signal.aborted ? message : stack)
  process.exitCode = 1
}
