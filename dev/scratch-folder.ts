import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning, readRun, stopAll } from './run-file.ts'
import { reachableByOthers } from './servers/data-folder.ts'

const PREFIX = 'seckill-scratch-'
/** A folder this young may belong to a run that has not written its run file yet. */
const YOUNG_MS = 60_000

/** A private TMPDIR of root's would shut the servers' users out. */
const parent = async () => (process.getuid?.() !== 0 || (await reachableByOthers(tmpdir())) ? tmpdir() : '/var/tmp')

/** For servers that live as long as one command. */
export async function makeScratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(await parent(), PREFIX))
  await chmod(folder, 0o711) // Others may pass through, not look around.
  return folder
}

export async function removeScratchFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Stops and removes what commands left that were killed, or ended on Ctrl-C without their teardown. */
export async function sweepScratchFolders(): Promise<void> {
  const place = await parent()
  const names = (await readdir(place)).filter((name) => name.startsWith(PREFIX))
  for (const folder of names.map((name) => join(place, name))) {
    const found = await stat(folder).catch(() => undefined) // It may have gone meanwhile, with its command.
    const run = readRun(folder)
    const isYoung = found && !run && Date.now() - found.ctimeMs < YOUNG_MS
    if (found?.uid !== process.getuid?.() || isRunning(run) || isYoung) continue
    if (run) await stopAll(run)
    await removeScratchFolder(folder)
  }
}
