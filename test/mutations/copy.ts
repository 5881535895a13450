import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Guard } from './guard.ts'

/** Copies what git knows and what it does not ignore, as it is just now, and what is built; packages are shared. */
export function copyProject(folder: string): void {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '')
  // Pages may not be built yet, and a file that git knows may be deleted.
  for (const file of [...files, 'prisma/generated', 'web/dist'].filter(existsSync)) {
    mkdirSync(join(folder, dirname(file)), { recursive: true })
    cpSync(file, join(folder, file), { recursive: true })
  }
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
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
