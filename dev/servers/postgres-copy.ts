import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { Client } from 'pg'
import type { ServerUser } from './server-user.ts'

const CONNECT_MS_MAX = 10_000
/** What belongs to the running server only. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'backup_label', 'standby.signal'])
/** Folders whose contents are not copied either. The standby fetches the WAL from the primary. */
const EMPTY = new Set([
  'pg_wal',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])

export interface Copy {
  /** Of the primary, which runs on this machine. */
  primaryUrl: string
  /** By which the primary knows the standby. */
  name: string
  /** The folder to make, in place of what it holds. */
  cluster: string
  user: ServerUser
}

/**
 * Makes the data of a standby, as PostgreSQL's manual describes a base backup by hand: the npm package lacks
 * pg_basebackup.
 */
export async function copyFromPrimary({ primaryUrl, name, cluster, user }: Copy): Promise<void> {
  const draft = `${cluster}.new`
  const client = new Client({ connectionString: primaryUrl, connectionTimeoutMillis: CONNECT_MS_MAX })
  await client.connect()
  try {
    const { rows: started } = await client.query<{ folder: string }>(
      `SELECT current_setting('data_directory') AS folder FROM pg_backup_start($1, true)`,
      [name],
    )
    await copyFiles(started[0]?.folder ?? '', draft)
    const { rows: stopped } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
    await writeFile(join(draft, 'backup_label'), stopped[0]?.labelfile ?? '')
  } finally {
    await client.end()
  }
  await writeFile(join(draft, 'standby.signal'), '')
  const { hostname, port, username, password } = new URL(primaryUrl)
  const primary = `host=${hostname} port=${port} user=${username} password=${password} application_name=${name}`
  await writeFile(join(draft, 'postgresql.auto.conf'), `primary_conninfo = '${primary}'\n`)
  await execa('chmod', ['-R', 'go=', draft])
  if (user.uid !== undefined) await execa('chown', ['-R', `${user.uid}:${user.gid}`, draft])
  await rm(cluster, { recursive: true, force: true })
  await rename(draft, cluster)
}

async function copyFiles(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await mkdir(to)
  for (const entry of await readdir(from)) {
    if (LEFT_OUT.has(entry)) continue
    if (EMPTY.has(entry)) await mkdir(join(to, entry))
    else await copy(join(from, entry), join(to, entry))
  }
}

/** Files of dropped tables vanish meanwhile, which the WAL accounts for. */
async function copy(from: string, to: string): Promise<void> {
  const { failed, stderr } = await execa('cp', ['-pR', from, to], { reject: false, env: { LC_ALL: 'C' } })
  const errors = stderr.split('\n').filter((line) => !line.endsWith('No such file or directory'))
  if (failed && errors.length > 0) throw new Error(errors.join('\n'))
}
