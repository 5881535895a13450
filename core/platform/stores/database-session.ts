/** PostgreSQL ends a transaction that is idle for longer. */
const IDLE_TRANSACTION_MS = 10_000

export interface SessionLimits {
  /** 0 for none. The lock timeout is half of it. */
  statementTimeoutMs: number
}

/** The part of a `pg` connection that this module uses. */
export interface PgConnection {
  /** The backend's process id as announced when the connection was made. */
  processID?: number | null
  escapeLiteral: (text: string) => string
  query: (sql: string) => Promise<unknown>
}

/** A session of PostgreSQL lacks required settings; the message says what to do. */
export class UnusableSession extends Error {
  override readonly name = 'UnusableSession'
}

type Session = Record<string, string>

/** Whether no pooler is in between: a pooler announces a process id of its own instead of the backend's. */
export async function isDirect(client: PgConnection): Promise<boolean> {
  const { rows } = (await client.query(`SELECT pg_backend_pid() AS backend`)) as { rows: { backend: number }[] }
  return rows[0]?.backend === client.processID
}

/**
 * Sets and verifies the session settings that the code relies on, regardless of the settings of database, role and URL.
 * Behind a pooler a SET would apply to statements of other clients and miss some of ours: there the role must have the
 * settings.
 * @returns whether no pooler is in between
 * @throws UnusableSession when a setting does not hold
 */
export async function prepareSession(client: PgConnection, limits: SessionLimits): Promise<boolean> {
  const wanted = wantedSettings(limits)
  const announced = client.processID ?? 0
  const literal = (text: string) => client.escapeLiteral(text)
  const pairs = Object.entries(wanted).map(([name, value]) => `(${literal(name)}, ${literal(value)})`)
  // One round trip. Without a statement name and parameters, which a pooler in between might not support.
  const results = (await client.query(
    `
    SELECT set_config(name, value, false) FROM (VALUES ${pairs.join(', ')}) AS wanted (name, value)
    WHERE pg_backend_pid() = ${announced};
    SELECT lower(name) AS name, setting FROM pg_settings
    WHERE lower(name) IN (${Object.keys(wanted).map(literal).join(', ')})
    UNION ALL VALUES
      ('backend', pg_backend_pid()::text), ('role', current_user::text), ('schema', current_schema()::text),
      ('is_standby', pg_is_in_recovery()::text)`,
  )) as { rows: { name: string; setting: string }[] }[]
  const session: Session = Object.fromEntries((results[1]?.rows ?? []).map(({ name, setting }) => [name, setting]))
  if (session.is_standby === 'true') throw new UnusableSession(STANDBY)
  const isDirect = session.backend === String(announced)
  const holds = (name: string) => (isDirect ? session[name] === wanted[name] : suffices(name, session, wanted))
  const wrong = Object.keys(wanted).filter((name) => !holds(name))
  if (wrong.length > 0)
    throw new UnusableSession(isDirect ? refused(wrong, session) : adviceForPooler(wrong, session, wanted))
  return isDirect
}

const STANDBY =
  'DATABASE_URL leads to a standby, which takes no writes: name the primary, or all hosts, ' +
  'as in postgresql://user:password@a:5432,b:5432/database.'

function wantedSettings({ statementTimeoutMs }: SessionLimits): Session {
  return {
    // The adapter writes and reads timestamps without an offset.
    timezone: 'UTC',
    datestyle: 'ISO, MDY',
    // Prisma's statements name this schema; our own name none.
    search_path: 'public',
    // `readFacts` must see what was committed while it waited for its lock.
    default_transaction_isolation: 'read committed',
    // A cached plan suits the table size at its creation: one made for 100 orders took 2,761 ms instead of 2 ms over
    // 300,000.
    plan_cache_mode: 'force_custom_plan',
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(Math.floor(statementTimeoutMs / 2)),
    idle_in_transaction_session_timeout: String(IDLE_TRANSACTION_MS),
  }
}

const UTC = new Set(['utc', 'gmt', 'uct', 'universal', 'zulu'])

/** Whether a setting of the role is equivalent to the one that we would set. */
function suffices(name: string, session: Session, wanted: Session): boolean {
  const setting = session[name] ?? ''
  if (name === 'timezone') return UTC.has(setting.toLowerCase().replace(/^etc\//, ''))
  if (name === 'datestyle') return setting.startsWith('ISO')
  if (name === 'search_path') return session.schema === 'public'
  // Through a pooler we send statements without a name, which PostgreSQL plans anew each time.
  if (name === 'plan_cache_mode') return true
  if (name.endsWith('_timeout')) return Number(setting) > 0 && Number(setting) <= Number(wanted[name])
  return setting === wanted[name]
}

const listed = (names: string[], session: Session) => names.map((name) => `${name} = '${session[name]}'`).join(', ')

const refused = (wrong: string[], session: Session) =>
  `DATABASE_URL: PostgreSQL kept ${listed(wrong, session)} although the session set other values; ` +
  'allow this role to set them.'

function adviceForPooler(wrong: string[], session: Session, wanted: Session): string {
  // These two take lists; quotes would make one element of the list.
  const valueOf = (name: string) =>
    name === 'search_path' || name === 'datestyle' ? wanted[name] : `'${wanted[name]}'`
  const changes = wrong.map((name) => `ALTER ROLE "${session.role}" SET ${name} = ${valueOf(name)};`)
  return (
    `DATABASE_URL goes through a connection pooler whose sessions have ${listed(wrong, session)}, ` +
    'which cannot be changed through it: ' +
    `run ${changes.join(' ')} and reconnect the pooler, or use PostgreSQL's own address.`
  )
}
