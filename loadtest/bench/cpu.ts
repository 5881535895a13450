import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** CPU µs used so far, by a name of ours. Undefined where the system keeps no /proc. */
export type CpuMicros = Record<string, number>

interface Stat {
  parent: number
  ticks: number
}

/**
 * What each process and its descendants have used: PostgreSQL works in children, two gateway processes have a parent.
 * Counts children that have ended, too, once their parent has seen them off.
 */
export function readCpu(roots: Record<string, number>): CpuMicros | undefined {
  if (process.platform !== 'linux') return undefined
  const stats = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        const stat = readStat(Number(pid))
        return stat ? [[Number(pid), stat] as const] : []
      }),
  )
  const rootOf = (pid: number): string | undefined => {
    for (let at = pid; at > 1; at = stats.get(at)?.parent ?? 0) {
      const name = Object.keys(roots).find((root) => roots[root] === at)
      if (name !== undefined) return name
    }
    return undefined
  }
  const used: CpuMicros = Object.fromEntries(Object.keys(roots).map((name) => [name, 0]))
  for (const [pid, { ticks }] of stats) {
    const name = rootOf(pid)
    if (name !== undefined) used[name] = (used[name] ?? 0) + ticks * microsPerTick()
  }
  return used
}

/** What the whole machine has used so far, and what its host has kept from it. */
export interface MachineCpu {
  busyMicros: number
  stolenMicros: number
}

export function readMachineCpu(): MachineCpu | undefined {
  if (process.platform !== 'linux') return undefined
  // "cpu user nice system idle iowait irq softirq steal …"
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.split(/\s+/).slice(1).map(Number) ?? []
  return { busyMicros: (user + nice + system + irq + softirq) * microsPerTick(), stolenMicros: steal * microsPerTick() }
}

/** Of one and the same set of names. */
export function cpuSince(before: CpuMicros | undefined, after: CpuMicros | undefined): CpuMicros | undefined {
  return (
    before &&
    after &&
    Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]))
  )
}

/**
 * Fields are counted from the end of the name in parentheses, which may hold anything: parent is the 4th, times the
 * 14th to 17th.
 */
function readStat(pid: number): Stat | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), ticks }
  } catch {
    return undefined // It has ended meanwhile.
  }
}

let tick: number | undefined
function microsPerTick(): number {
  return (tick ??= 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })))
}
