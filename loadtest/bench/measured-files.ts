import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'

/** What README's table measures. The naive designs and the bench itself may change without a new run. */
const FOLDERS = ['core', 'gateway', 'order-service', 'cancel-worker', 'subscribers', 'payment-provider']
/** A tenth is a day or two of work; a table that is older than that tells of another system. */
export const CHANGED_SHARE_MAX = 0.1

/** A hash of each file that runs in the measured services, by path. */
export function measuredFiles(): Record<string, string> {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  )
  const code = paths.filter((path) => /\.(ts|lua)$/.test(path) && !path.endsWith('.test.ts')).toSorted()
  return Object.fromEntries(
    code.map((path) => [path, createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 8)]),
  )
}

/** Share of the recorded files that are new, gone or different. */
export function changedShare(recorded: Record<string, string>, present: Record<string, string>): number {
  const paths = new Set([...Object.keys(recorded), ...Object.keys(present)])
  const changed = [...paths].filter((path) => recorded[path] !== present[path])
  return changed.length / Math.max(1, Object.keys(recorded).length)
}
