import { accessSync, constants } from 'node:fs'

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full', 'no-verify']
const isOneOf =
  (...values: string[]) =>
  (value: string) =>
    values.includes(value) ? undefined : `expected ${values.join(', ')}`
const isAnything = () => undefined
const CONSENT = isOneOf('true', 'false')

/** What may stand behind the `?`, and what is wrong with its value. Others would be passed over without a word. */
const PARAMETERS: Record<string, (value: string) => string | undefined> = {
  host: isAnything,
  application_name: isAnything,
  // What it sets of time limits and of the time zone does not hold: every connection sets its own.
  options: isAnything,
  sslmode: isOneOf(...SSL_MODES),
  sslcert: isReadable,
  sslkey: isReadable,
  sslrootcert: isReadable,
  sslnegotiation: isOneOf('postgres', 'direct'),
  uselibpqcompat: CONSENT,
  // Prisma's own two: our statements name no schema, and a pooler is noticed without being told of.
  schema: isOneOf('public'),
  pgbouncer: CONSENT,
}

/** What is wrong with a URL of PostgreSQL; undefined for a good one. */
export function databaseUrlFault(url: string): string | undefined {
  for (const [name, value] of new URL(url).searchParams) {
    const judge = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined
    if (!judge) return `?${name} is not supported, expected only ${Object.keys(PARAMETERS).join(', ')}; leave it out`
    const fault = judge(value)
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
