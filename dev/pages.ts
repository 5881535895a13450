import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CHECKOUT = join(import.meta.dirname, '..')
const WEB = join(CHECKOUT, 'web')
const BUILT = join(WEB, 'dist')
const STAMP = join(BUILT, '.made-from')

/** Builds the shop's and the control room's pages into web/dist, unless they are those of these sources already. */
export async function ensurePages(say: (line: string) => void): Promise<void> {
  const source = sourceHash()
  if (stamp() === source) return
  say('Building the pages …')
  await buildPages(BUILT)
  writeFileSync(STAMP, source)
}

/** Vite sets NODE_ENV=production and leaves it set: services started afterwards would refuse the demo's credentials. */
export async function buildPages(outDir: string): Promise<void> {
  const { NODE_ENV } = process.env
  // Only when there is something to build: loading it takes half a second.
  const { build } = await import('vite')
  try {
    await build({ configFile: join(WEB, 'vite.config.ts'), logLevel: 'warn', build: { outDir } })
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV
    else process.env.NODE_ENV = NODE_ENV
  }
}

/** Of everything they are made of: their folder, and the packages that are bundled or build. */
function sourceHash(): string {
  const hash = createHash('sha256').update(readFileSync(join(CHECKOUT, 'package-lock.json')))
  const files = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.filter((path) => !path.startsWith(BUILT)).sort())
    hash.update(file.slice(WEB.length)).update('\0').update(readFileSync(file))
  return hash.digest('hex')
}

function stamp(): string | undefined {
  try {
    return readFileSync(STAMP, 'utf8')
  } catch {
    return undefined
  }
}
