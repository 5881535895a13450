import { RunRecord } from '../../dev/run-file.ts'
import type { ProcessId } from '../../dev/processes.ts'
import { makeScratchFolder, removeScratchFolder } from '../../dev/scratch-folder.ts'

/**
 * What a test file starts beside its own process. A test or a hook that hits its time limit never comes to its own
 * tidying up: then the end of the file ends it (test/support/setup.ts). Each process is also written down where
 * dev/test.ts looks, for a file that is killed before its end.
 */

const ends = new Set<() => Promise<unknown>>()
let noting: Promise<{ folder: string; record: RunRecord }> | undefined

/** `end` is called once more when the file is over: it must not mind that all has ended. */
export function endWithFile(end: () => Promise<unknown>): void {
  ends.add(end)
}

export async function noteProcess(name: string, id: ProcessId): Promise<void> {
  noting ??= makeScratchFolder().then(async (folder) => ({ folder, record: await RunRecord.claim(folder) }))
  const { record } = await noting
  record.started(`${name} ${id.pid}`, id)
}

/** The last started first. @throws what the first of them threw, once all others have ended. */
export async function endLeftBehind(): Promise<void> {
  const faults: unknown[] = []
  for (const end of [...ends].toReversed()) await end().catch((error: unknown) => faults.push(error))
  ends.clear()
  if (noting) await removeScratchFolder((await noting).folder)
  noting = undefined
  if (faults.length > 0) throw faults[0]
}
