import { cpuSince, readCpu, readMachineCpu } from './cpu.ts'
import type { Measured } from './results.ts'

/** What a run costs, from where it is made to where it is read: by process, and what went elsewhere. */
export class CpuMeter {
  readonly #roots: Record<string, number>
  readonly #startedAt = performance.now()
  readonly #before
  readonly #machineBefore = readMachineCpu()

  /** The pids of everything that belongs to the bench. */
  constructor(roots: Record<string, number>) {
    this.#roots = roots
    this.#before = readCpu(roots)
  }

  /** Told apart for those names; the rest only counts as not others'. */
  read(names: string[], requests: number): Pick<Measured, 'cpuMicrosPerRequest' | 'disturbance'> {
    const used = cpuSince(this.#before, readCpu(this.#roots))
    const machine = readMachineCpu()
    if (!used || !machine || !this.#machineBefore) return {}
    const elapsedMicros = (performance.now() - this.#startedAt) * 1_000
    const ours = Object.values(used).reduce((sum, micros) => sum + micros, 0)
    const othersMicros = machine.busyMicros - this.#machineBefore.busyMicros - ours
    return {
      cpuMicrosPerRequest: Object.fromEntries(names.map((name) => [name, (used[name] ?? 0) / Math.max(1, requests)])),
      disturbance: {
        othersCores: Math.max(0, othersMicros / elapsedMicros),
        stolenCores: (machine.stolenMicros - this.#machineBefore.stolenMicros) / elapsedMicros,
      },
    }
  }
}
