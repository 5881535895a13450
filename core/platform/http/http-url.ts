import { z } from 'zod'

const EXPECTED =
  'expected http:// or https:// and a host, optionally a port and a path, ' +
  'such as http://10.0.0.7:3002 or https://[2001:db8::7]/shop'

/**
 * A setting that holds the base URL of an HTTP service, to which calls append their path. Trailing slashes are removed.
 */
export const httpBase = () => httpUrl(queryFault, (url) => url.href.replace(/\/+$/, ''))

/** A setting that holds the URL of a page; a query and a fragment are allowed. */
export const httpPage = () =>
  httpUrl(
    () => undefined,
    (url) => url.href,
  )

/** Messages do not quote the value, which may hold a password. */
function httpUrl(faultOf: (url: URL) => string | undefined, read: (url: URL) => string) {
  return z.string().transform((text, context) => {
    const url = /^\s*https?:\/\/[^/\\?#]/i.test(text) ? parseUrl(text) : undefined
    const fault = url ? (credentialsFault(url) ?? portFault(url) ?? faultOf(url)) : EXPECTED
    if (url && fault === undefined) return read(url)
    context.addIssue({ code: 'custom', message: fault ?? EXPECTED })
    return z.NEVER
  })
}

/** Not by `URL.canParse`: once Node 20 has optimized it, it refuses every host with a letter such as ü. */
export function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined // Malformed: the caller says what was expected.
  }
}

/** `fetch` rejects URLs with credentials, and the Authorization header already carries the buyer's token. */
const credentialsFault = ({ username, password }: URL) =>
  username || password ? 'expected no user name or password in it' : undefined

const queryFault = ({ href }: URL) =>
  /[?#]/.test(href) ? 'expected no query or fragment: calls append their path' : undefined

const portFault = ({ port }: URL) => (port === '0' ? 'expected a port from 1 to 65535' : undefined)
