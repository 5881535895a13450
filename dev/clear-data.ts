import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RunRecord } from './run-file.ts'

/**
 * Not data: programs that were built (k6, see loadtest/find-k6.ts), and the lock of a command that is installing.
 */
const KEPT = ['bin', 'install.lock']

/**
 * Empties a data folder, and says so when a killed start left something running, which is stopped first.
 * @throws AlreadyRunning when a start is using it
 */
export async function clearData(folder: string): Promise<void> {
  const record = await RunRecord.claim(folder, console.error)
  // The claim goes last: a start that comes meanwhile finds it.
  const data = (await readdir(folder)).filter((name) => !KEPT.includes(name) && !name.startsWith('run.json'))
  await Promise.all(data.map((name) => rm(join(folder, name), { recursive: true, force: true })))
  record.release()
}
