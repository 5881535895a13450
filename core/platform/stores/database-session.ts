/** Longest time that a transaction may stand idle before PostgreSQL ends it. */
const IDLE_TRANSACTION_MS = 10_000

export interface SessionLimits {
  /** 0 for none. A lock is waited for half as long. */
  statementTimeoutMs: number
}

/** What this needs of a connection of the package `pg`. */
export interface PgConnection {
  /** The id of the backend as it was announced when the connection was made. */
  processID?: number | null
  escapeLiteral: (text: string) => string
  query: (sql: string) => Promise<unknown>
}

/** A session of PostgreSQL does not have the settings that the services need; the message says what to do. */
export class UnusableSession extends Error {
  override readonly name = 'UnusableSession'
}

type Session = Record<string, string>

/** Whether PostgreSQL itself answers: a pooler announces an id of its own, and not that of the backend. */
export async function isDirect(client: PgConnection): Promise<boolean> {
  const { rows } = (await client.query(`SELECT pg_backend_pid() AS backend`)) as { rows: { backend: number }[] }
  return rows[0]?.backend === client.processID
}

/**
 * Gives a new connection the session that the code relies on, whatever the database, the role or the URL say, and
 * checks that it has it. Behind a pooler a SET would hold for somebody else's statements, too, and not for all of ours:
 * there the settings have to come from the role.
 * @returns whether PostgreSQL itself has answered, and not a pooler in front of it.
 * @throws UnusableSession when a setting does not hold.
 */
export async function prepareSession(client: PgConnection, limits: SessionLimits): Promise<boolean> {
  const wanted = wantedSettings(limits)
  const announced = client.processID ?? 0
  const literal = (text: string) => client.escapeLiteral(text)
  const pairs = Object.entries(wanted).map(([name, value]) => `(${literal(name)}, ${literal(value)})`)
  // One round trip. Unnamed and without parameters, so that it does not matter what is in between.
  const results = (await client.query(
    `
    SELECT set_config(name, value, false) FROM (VALUES ${pairs.join(', ')}) AS wanted (name, value)
    WHERE pg_backend_pid() = ${announced};
    SELECT lower(name) AS name, setting FROM pg_settings
    WHERE lower(name) IN (${Object.keys(wanted).map(literal).join(', ')})
    UNION ALL VALUES ('backend', pg_backend_pid()::text), ('role', current_user::text), ('schema', current_schema()::text)`,
  )) as { rows: { name: string; setting: string }[] }[]
  const session: Session = Object.fromEntries((results[1]?.rows ?? []).map(({ name, setting }) => [name, setting]))
  const isDirect = session.backend === String(announced)
  const holds = (name: string) => (isDirect ? session[name] === wanted[name] : suffices(name, session, wanted))
  const wrong = Object.keys(wanted).filter((name) => !holds(name))
  if (wrong.length > 0)
    throw new UnusableSession(isDirect ? refused(wrong, session) : adviceForPooler(wrong, session, wanted))
  return isDirect
}

function wantedSettings({ statementTimeoutMs }: SessionLimits): Session {
  return {
    // The adapter writes and reads times without their offset.
    timezone: 'UTC',
    datestyle: 'ISO, MDY',
    // Prisma names this schema in its statements; ours name none.
    search_path: 'public',
    // `readFacts` has to see what was committed while it waited for its lock.
    default_transaction_isolation: 'read committed',
    // A plan that is kept suits the table of its first minute: made for 100 orders, one took 2,761 ms over 300,000, not
    // 2.
    plan_cache_mode: 'force_custom_plan',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(Math.floor(statementTimeoutMs / 2)),
    idle_in_transaction_session_timeout: String(IDLE_TRANSACTION_MS),
  }
}

const UTC = new Set(['utc', 'gmt', 'uct', 'universal', 'zulu'])

/** Whether what the role's sessions have is as good as what we would set. */
function suffices(name: string, session: Session, wanted: Session): boolean {
  const setting = session[name] ?? ''
  if (name === 'timezone') return UTC.has(setting.toLowerCase().replace(/^etc\//, ''))
  if (name === 'datestyle') return setting.startsWith('ISO')
  if (name === 'search_path') return session.schema === 'public'
  // Statements without a name, which we send through a pooler, are planned anew each time.
  if (name === 'plan_cache_mode') return true
  if (name.endsWith('_timeout')) return Number(setting) > 0 && Number(setting) <= Number(wanted[name])
  return setting === wanted[name]
}

const listed = (names: string[], session: Session) => names.map((name) => `${name} = '${session[name]}'`).join(', ')

const refused = (wrong: string[], session: Session) =>
  `DATABASE_URL: PostgreSQL left its sessions with ${listed(wrong, session)} although they were set otherwise; ` +
  'allow this role to set them.'

function adviceForPooler(wrong: string[], session: Session, wanted: Session): string {
  // Of these two the value is a list, which quotes would make one word.
  const valueOf = (name: string) =>
    name === 'search_path' || name === 'datestyle' ? wanted[name] : `'${wanted[name]}'`
  const changes = wrong.map((name) => `ALTER ROLE "${session.role}" SET ${name} = ${valueOf(name)};`)
  return (
    `DATABASE_URL goes through a connection pooler whose sessions have ${listed(wrong, session)}, ` +
    'which it does not let us change: ' +
    `run ${changes.join(' ')} and reconnect the pooler, or give PostgreSQL's own address.`
  )
}
