import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'

/** A random secret of 43 URL-safe characters, kept in a file that only its owner reads: the same at every start. */
export async function secretFile(path: string): Promise<string> {
  try {
    await writeFile(path, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return await readFile(path, 'utf8')
}
