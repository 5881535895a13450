import { createHash } from 'node:crypto'
import { accessSync, constants } from 'node:fs'
import { chmod, mkdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const CHECKOUT = join(import.meta.dirname, '../..')
const OTHERS_MAY_PASS = 0o001

/**
 * Where the servers keep their data: `.data/` in the checkout. Root's servers run as other users, though, and cannot
 * enter a checkout below a private home; then it is a folder of this checkout's own among the system's state.
 */
export async function dataFolder(): Promise<string> {
  if (process.getuid?.() !== 0 || await reachableByOthers(CHECKOUT)) return join(CHECKOUT, '.data')
  const mark = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 8)
  return `/var/lib/${basename(CHECKOUT)}-${mark}`
}

/** @throws one sentence when the folder cannot be made or written. */
export async function makeDataFolder(): Promise<string> {
  const folder = await dataFolder()
  try {
    await mkdir(join(folder, 'logs'), { recursive: true })
    await chmod(folder, 0o711) // Others may pass through, not look around.
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new Error(`The data folder ${folder} cannot be written (${(error as Error).message}). Make it, or its parent, writable for this user.`, { cause: error })
  }
  return folder
}

/** Whether every folder on the way down to the path, itself included, lets any user pass. */
export async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (!((await stat(folder)).mode & OTHERS_MAY_PASS)) return false
    if (folder === dirname(folder)) return true
  }
}
