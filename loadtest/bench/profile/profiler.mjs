// Loaded into a service by NODE_OPTIONS=--import: from one SIGWINCH to the next it profiles CPU and heap. Starting node
// with
// --cpu-prof would profile its start, too, and could not be said in NODE_OPTIONS before node 22.
import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'

/** Four times finer than node's default: a request takes 30 µs. */
const SAMPLE_EVERY_MICROS = 250

const session = new Session()
session.connect()
let running = false

// Means nothing to a process without a terminal; SIGUSR1 is node's own, and SIGUSR2 ends a service.
process.on('SIGWINCH', () => {
  const workers = cluster.isPrimary ? Object.values(cluster.workers ?? {}) : []
  // The process that is known by its pid only watches over those that work.
  for (const worker of workers) worker?.process.kill('SIGWINCH')
  if (workers.length === 0) void (running ? stop() : start())
})

async function start() {
  running = true
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_EVERY_MICROS })
  await session.post('HeapProfiler.startSampling')
  await session.post('Profiler.start')
}

async function stop() {
  running = false
  const { profile: cpu } = await session.post('Profiler.stop')
  const { profile: heap } = await session.post('HeapProfiler.stopSampling')
  writeFileSync(`${process.env.PROFILE_FILE}.heapprofile`, JSON.stringify(heap))
  writeFileSync(`${process.env.PROFILE_FILE}.cpuprofile`, JSON.stringify(cpu))
}
