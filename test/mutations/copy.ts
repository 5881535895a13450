import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { copyFile, cp, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inParallel } from '../support/parallel.ts'
import type { Guard } from './guard.ts'

const AT_ONCE = 8
const BUILT = ['prisma/generated', 'web/dist']

/** Copies what git knows and what it does not ignore, as it is just now, and what is built; packages are shared. */
export async function copyProject(folder: string): Promise<void> {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '')
  for (const parent of new Set(files.map(dirname))) await mkdir(join(folder, parent), { recursive: true })
  // A file that git knows may be deleted, and pages may not be built yet.
  await inParallel(files.length, AT_ONCE, async (i) => {
    const file = files[i] ?? ''
    if (existsSync(file)) await copyFile(file, join(folder, file))
  })
  for (const built of BUILT.filter(existsSync)) await cp(built, join(folder, built), { recursive: true })
  await symlink(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
}

/**
 * Takes the rule of a guard away in a copy of the project.
 * @returns puts it back. @throws when its text does not stand in its file exactly once.
 */
export function takeAway({ file, text, without }: Guard, folder: string): () => void {
  const path = join(folder, file)
  const original = readFileSync(path, 'utf8')
  const found = original.split(text).length - 1
  if (found !== 1) throw new Error(`${file}: expected the guard's text once, found it ${found} times: ${text}`)
  // As a function: the text may hold what "replace" would take for a pattern.
  writeFileSync(
    path,
    original.replace(text, () => without),
  )
  return () => writeFileSync(path, original)
}
