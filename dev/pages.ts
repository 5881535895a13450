import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'

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

/** In a process of its own: Vite would keep 200 MB in the launcher, and NODE_ENV=production for what that starts. */
export async function buildPages(outDir: string): Promise<void> {
  await execa('vite', ['build', 'web', '--config', 'web/vite.config.ts', '--logLevel', 'warn', '--outDir', outDir], {
    cwd: CHECKOUT,
    preferLocal: true,
    localDir: CHECKOUT,
    env: { NODE_ENV: 'production' },
  })
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
