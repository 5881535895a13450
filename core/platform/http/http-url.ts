import { z } from 'zod'

const EXPECTED =
  'expected http:// or https:// and a host, with a port or a path if need be, ' +
  'such as http://10.0.0.7:3002 or https://[2001:db8::7]/shop'

/**
 * A setting that holds the base of an HTTP service: calls append their path. It is read without the slash at its end.
 */
export const httpBase = () => httpUrl(queryFault, (url) => url.href.replace(/\/+$/, ''))

/** A setting that holds the address of a page, with a query or a fragment if need be. */
export const httpPage = () =>
  httpUrl(
    () => undefined,
    (url) => url.href,
  )

/** The value is in no message: it may hold a password. */
function httpUrl(faultOf: (url: URL) => string | undefined, read: (url: URL) => string) {
  return z.string().transform((text, context) => {
    const url = /^\s*https?:\/\/[^/\\?#]/i.test(text) && URL.canParse(text) ? new URL(text) : undefined
    const fault = url ? (credentialsFault(url) ?? portFault(url) ?? faultOf(url)) : EXPECTED
    if (url && fault === undefined) return read(url)
    context.addIssue({ code: 'custom', message: fault ?? EXPECTED })
    return z.NEVER
  })
}

/** The buyer's own token stands where they would be sent, and `fetch` refuses them at every call. */
const credentialsFault = ({ username, password }: URL) =>
  username || password ? 'expected no user name or password in it' : undefined

const queryFault = ({ href }: URL) =>
  /[?#]/.test(href) ? 'expected nothing after the path: calls append theirs' : undefined

const portFault = ({ port }: URL) => (port === '0' ? 'expected a port from 1 to 65535' : undefined)
