import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const NOT_OURS = /^node_modules$|^\./
const GENERATED = /^(?:web\/dist|prisma\/generated)\//

/** What starts a server, or asks for those that test/global-setup.ts started. */
const NEEDS_SERVERS = /\binject\(|\bfrom '.*\/servers\/(?:postgres|redis|rabbitmq|prometheus)\.ts'/
const IMPORT = /(?:\bfrom|\bimport\(?)\s*'(\.{1,2}\/[^']+\.ts)'/g

/** All test files, as paths from the root. */
export function testFiles(): string[] {
  const rooms = readdirSync(ROOT, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !NOT_OURS.test(entry.name),
  )
  return rooms
    .flatMap(({ name }) =>
      readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)),
    )
    .filter((file) => file.endsWith('.test.ts') && !GENERATED.test(file))
    .sort()
}

/**
 * Not part of `npm test`, unless it is given their name: `npm run test:long` runs all of them, and CI some, drawn by
 * the commit.
 */
export const isOfTestLong = (file: string) => file.endsWith('.long.test.ts')

/** Test files that reach no server by any of their imports: `npm run test:unit`. */
export function unitTests(): string[] {
  const known = new Map<string, boolean>()
  const needsServers = (file: string): boolean => {
    const before = known.get(file)
    if (before !== undefined) return before
    known.set(file, false) // Ends the recursion where types import each other.
    if (!existsSync(join(ROOT, file))) return false // Its test says so; the others run.
    const text = readFileSync(join(ROOT, file), 'utf8')
    const imported = [...text.matchAll(IMPORT)].map(([, path = '']) => join(dirname(file), path))
    const answer = NEEDS_SERVERS.test(text) || imported.some(needsServers)
    known.set(file, answer)
    return answer
  }
  return testFiles().filter((file) => !needsServers(file))
}
