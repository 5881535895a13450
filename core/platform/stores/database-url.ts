import { accessSync, constants } from 'node:fs'
import { urlPerHost } from '../http/url-per-host.ts'

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify']
const isOneOf =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value) ? undefined : `expected ${values.join(', ')}`
const isAnything = () => undefined
const CONSENT = isOneOf('true', 'false')

/** The supported parameters of the URL, each with a check of its value. The driver would ignore others silently. */
const PARAMETERS: Record<string, (value: string) => string | undefined> = {
  host: isAnything,
  application_name: isAnything,
  // Which it does in any case.
  target_session_attrs: isOneOf('read-write', 'primary'),
  // Time limits and time zone set here have no effect: every connection sets its own.
  options: isAnything,
  sslmode: isOneOf(...SSL_MODES),
  sslcert: isReadable,
  sslkey: isReadable,
  sslrootcert: isReadable,
  sslnegotiation: isOneOf('postgres', 'direct'),
  uselibpqcompat: CONSENT,
  // Prisma's own two. Our statements name no schema, and poolers are detected.
  schema: isOneOf('public'),
  pgbouncer: CONSENT,
}

/** Of a DATABASE_URL, without `target_session_attrs`, which libpq reads and our driver does not know. */
export const databaseHosts = (url: string): string[] =>
  urlPerHost(url.replace(/([?&])target_session_attrs=[^&#]*&?/, '$1').replace(/[?&]$/, ''))

/** What is wrong with the parameters of a PostgreSQL URL; undefined when nothing is. */
export function databaseUrlFault(url: string): string | undefined {
  // Not by `new URL`, which refuses several hosts.
  for (const [name, value] of new URLSearchParams(/\?([^#]*)/.exec(url)?.[1])) {
    const faultOf = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (!faultOf) return `?${name} is not supported, expected only ${Object.keys(PARAMETERS).join(', ')}; leave it out`
    const fault = faultOf(value)
    if (fault) return `?${name}=${value} is not supported, ${fault}`
  }
  return undefined
}

function isReadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    return `expected a file that can be read (${error instanceof Error ? error.message : String(error)})`
  }
}
