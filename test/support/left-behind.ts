import { RunRecord } from '../../dev/run-file.ts'
import type { ProcessId } from '../../dev/processes.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'

/**
 * Cleanup of processes that a test file starts. A test or hook that hits its time limit never reaches its own cleanup:
 * then the end of the file does it (test/support/setup.ts). Each process is also recorded for dev/test.ts, which cleans
 * up when the file itself is killed.
 */

const ends = new Set<() => Promise<unknown>>()
let noting: Promise<{ folder: string; record: RunRecord }> | undefined

/** Calls `end` when the file is over, also when the test has already called it: `end` must be idempotent. */
export function endWithFile(end: () => Promise<unknown>): void {
  ends.add(end)
}

export async function noteProcess(name: string, id: ProcessId): Promise<void> {
  noting ??= makeScratchFolder().then((folder) => ({ folder, record: RunRecord.ofNewFolder(folder) }))
  const { record } = await noting
  record.started(`${name} ${id.pid}`, id)
}

/** Ends the last started first. @throws the first error, once all others have ended */
export async function endLeftBehind(): Promise<void> {
  const faults: unknown[] = []
  for (const end of [...ends].toReversed()) await end().catch((error: unknown) => faults.push(error))
  ends.clear()
  if (noting) await removeScratchFolder((await noting).folder)
  noting = undefined
  if (faults.length > 0) throw faults[0]
}
