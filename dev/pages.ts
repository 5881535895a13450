import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CHECKOUT = join(import.meta.dirname, '..')
const WEB = join(CHECKOUT, 'web')
const STAMP = join(WEB, 'dist/.made-from')

/** Builds the shop's and the control room's pages into web/dist, unless they are those of these sources already. */
export async function ensurePages(say: (line: string) => void): Promise<void> {
  const source = sourceHash()
  if (stamp() === source) return
  say('Building the pages …')
  // Only when there is something to build: loading it takes half a second.
  const { build } = await import('vite')
  await build({ configFile: join(WEB, 'vite.config.ts'), logLevel: 'warn' })
  writeFileSync(STAMP, source)
}

/** Of everything they are made of: their folder, and the packages that are bundled or build. */
function sourceHash(): string {
  const hash = createHash('sha256').update(readFileSync(join(CHECKOUT, 'package-lock.json')))
  const files = readdirSync(WEB, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.filter((path) => !path.startsWith(join(WEB, 'dist'))).sort()) hash.update(file.slice(WEB.length)).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}

function stamp(): string | undefined {
  try {
    return readFileSync(STAMP, 'utf8')
  } catch {
    return undefined
  }
}
