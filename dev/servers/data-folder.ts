import { createHash } from 'node:crypto'
import { chmod, mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
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
export async function makeDataFolder(folder?: string): Promise<string> {
  const place = folder ?? (await dataFolder())
  await refuseAnothersFolder(place)
  await usable(place, async () => {
    await mkdir(join(place, 'logs'), { recursive: true })
    await letOthersPass(place)
  })
  return place
}

/** @throws one sentence when servers could not keep their data there. */
export async function checkDataFolder(folder: string): Promise<void> {
  await usable(folder, () => writeAndRename(folder))
  const { bavail, bsize } = await statfs(folder)
  const freeMb = Math.floor((bavail * bsize) / 1_000_000)
  if (freeMb < FREE_MIN_MB) {
    throw new Error(
      `The disk of the data folder ${folder} has ${freeMb} MB left; expected ${FREE_MIN_MB} MB. Make room on it.`,
    )
  }
}

async function usable(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw new Error(`The data folder ${folder} cannot be used: ${whyNot(error as NodeJS.ErrnoException)}`, {
      cause: error,
    })
  }
}

function whyNot({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EROFS') return 'its file system is read-only. Mount it writable, or clone the project elsewhere.'
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'its disk is full. Make room on it.'
  return `${message}. Make it, or its parent, writable for this user.`
}

/** Another user's system may be running on it, and its files are that user's anyway. Root may do everything. */
async function refuseAnothersFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  const uid = process.getuid?.()
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

/** As the servers and we do it: some mounts take files and refuse to rename them. */
async function writeAndRename(folder: string): Promise<void> {
  const [draft, place] = [join(folder, '.probe.new'), join(folder, '.probe')]
  await writeFile(draft, 'x'.repeat(4_096))
  await rename(draft, place)
  await rm(place)
}

/** Whether every folder on the way down to the path, itself included, lets any user pass. */
export async function reachableByOthers(path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (!((await stat(folder)).mode & OTHERS_MAY_PASS)) return false
    if (folder === dirname(folder)) return true
  }
}
