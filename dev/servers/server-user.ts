import { execa } from 'execa'

/** The user PostgreSQL runs as; empty for the current one. */
export type ServerUser = { uid: number; gid: number } | { uid?: never; gid?: never }

/** PostgreSQL refuses to run as root: then it runs as the user `postgres`, which is created when missing. */
export async function serverUser(): Promise<ServerUser> {
  if (process.getuid?.() !== 0) return {}
  const known = await lookUp()
  if (known) return known
  const made = await execa(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'],
    { reject: false },
  )
  const user = await lookUp() // Even when useradd failed: another start may have made the user in the meantime.
  if (user) return user
  throw new Error(
    `PostgreSQL does not run as root and needs the user "postgres", who could not be made: ${made.stderr || made.message}. Make the user by hand, or start as an ordinary user.`,
  )
}

async function lookUp(): Promise<ServerUser | undefined> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((which) => execa('id', [which, 'postgres'], { reject: false })))
  return uid?.exitCode === 0 && gid?.exitCode === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : undefined
}
