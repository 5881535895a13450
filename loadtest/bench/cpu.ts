import { readdirSync, readFileSync } from 'node:fs'

/** CPU µs by the names that processes were started with: user and system time. */
export type CpuMicros = Record<string, number>

export interface Cost {
  /** Undefined where there is no /proc, as on macOS. */
  byProcess?: CpuMicros
  /** Cores that other programs used meanwhile, and that the machine's host took: more than a little spoils a figure. */
  disturbance?: { othersCores: number; stolenCores: number }
}

/** /proc counts in hundredths of a second on every platform that Node runs on. */
const MICROS_PER_TICK = 10_000

/**
 * Starts counting. @param pids by name; the processes' descendants count with them: PostgreSQL works in children, and
 * children that have ended count once their parent has waited for them.
 * @returns what reads what was used since
 */
export function meterCpu(pids: Record<string, number>): () => Cost {
  if (process.platform !== 'linux') return () => ({})
  const startedAt = performance.now()
  const [before, machineBefore] = [readCpu(pids), readMachine()]
  return () => {
    const [after, machine] = [readCpu(pids), readMachine()]
    const elapsedMicros = (performance.now() - startedAt) * 1_000
    const byProcess = Object.fromEntries(
      Object.entries(after).map(([name, micros]) => [name, micros - (before[name] ?? 0)]),
    )
    const ours = Object.values(byProcess).reduce((sum, micros) => sum + micros, 0)
    const othersMicros = Math.max(0, machine.busy - machineBefore.busy - ours)
    return {
      byProcess,
      disturbance: {
        othersCores: othersMicros / elapsedMicros,
        stolenCores: (machine.stolen - machineBefore.stolen) / elapsedMicros,
      },
    }
  }
}

function readCpu(pids: Record<string, number>): CpuMicros {
  const nameOf = new Map(Object.entries(pids).map(([name, pid]) => [pid, name]))
  const stats = new Map(
    readdirSync('/proc').flatMap((entry) => {
      const stat = /^\d+$/.test(entry) ? readStat(entry) : undefined
      return stat ? [[Number(entry), stat] as const] : []
    }),
  )
  const used: CpuMicros = Object.fromEntries(Object.keys(pids).map((name) => [name, 0]))
  for (const [pid, { micros }] of stats) {
    let at = pid
    while (at > 1 && !nameOf.has(at)) at = stats.get(at)?.parent ?? 0
    const name = nameOf.get(at)
    if (name !== undefined) used[name] = (used[name] ?? 0) + micros
  }
  return used
}

/** Fields are counted from the end of the name in parentheses: parent is the 4th, times are the 14th to 17th. */
function readStat(pid: string): { parent: number; micros: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), micros: ticks * MICROS_PER_TICK }
  } catch {
    return undefined // It has ended meanwhile.
  }
}

function readMachine(): { busy: number; stolen: number } {
  // "cpu user nice system idle iowait irq softirq steal …"
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? []
  return { busy: (user + nice + system + irq + softirq) * MICROS_PER_TICK, stolen: steal * MICROS_PER_TICK }
}
