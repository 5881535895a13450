import { createHash } from 'node:crypto'
import { access, chmod, constants, mkdir, stat, statfs } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const CHECKOUT = join(import.meta.dirname, '../..')
const OTHERS_MAY_PASS = 0o001

/**
 * Where the servers keep their data: `.data/` in the checkout. Root's servers run as other users, though, and cannot
 * enter a checkout below a private home; then it is a folder of this checkout's own among the system's state.
 */
export async function dataFolder(): Promise<string> {
  if (process.getuid?.() !== 0 || (await reachableByOthers(CHECKOUT))) return join(CHECKOUT, '.data')
  const mark = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 8)
  return `/var/lib/${basename(CHECKOUT)}-${mark}`
}

/** An empty PostgreSQL and RabbitMQ take 50 MB, and a broker with less than 50 MB left takes no messages. */
const FREE_MIN_MB = 300

/** @throws one sentence when the folder cannot be made or used. */
export async function makeDataFolder(folder?: string, uid = process.getuid?.()): Promise<string> {
  const place = folder ?? (await dataFolder())
  await refuseAnothersFolder(place, uid)
  try {
    await mkdir(join(place, 'logs'), { recursive: true })
    await letOthersPass(place)
    await access(place, constants.W_OK)
  } catch (error) {
    throw new Error(`The data folder ${place} cannot be used by this user: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return place
}

/** @throws one sentence when the disk is full. */
export async function checkFreeSpace(folder: string, leastMb = FREE_MIN_MB): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const freeMb = Math.floor((bavail * bsize) / 1_000_000)
  if (freeMb < leastMb)
    throw new Error(
      `The disk of the data folder ${folder} has ${freeMb} MB left; expected ${leastMb} MB. Make room on it.`,
    )
}

/** Another user's system may be running on it, and its files are that user's anyway. Root may do everything. */
async function refuseAnothersFolder(folder: string, uid: number | undefined): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (!found || uid === undefined || uid === 0 || found.uid === uid) return
  throw new Error(
    `The data folder ${folder} belongs to another user (uid ${found.uid}), who has started the system ` +
      'from here. Start it as that user, or in a clone of your own.',
  )
}

/**
 * Root's servers run as other users, who pass through and do not look around. A mounted folder may not let itself be
 * changed.
 */
async function letOthersPass(folder: string): Promise<void> {
  if (((await stat(folder)).mode & 0o777) === 0o711) return
  await chmod(folder, 0o711).catch(async (error: unknown) => {
    if (process.getuid?.() === 0 && !((await stat(folder)).mode & OTHERS_MAY_PASS)) throw error
  })
}

/** Whether every folder on the way down to the path, itself included, lets any user pass. */
export async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (!((await stat(folder)).mode & OTHERS_MAY_PASS)) return false
    if (folder === dirname(folder)) return true
  }
}
