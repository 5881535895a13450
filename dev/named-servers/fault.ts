/** A server that the user named by URL. */
export interface NamedServer {
  /** As in "PostgreSQL". */
  name: string
  /** As in DATABASE_URL. */
  variable: string
  url: URL
}

/** The result of a check that succeeded. */
export interface ServerReport {
  version: string
  /** Settings that work and may lose data later, one sentence each. */
  warnings: string[]
}

/** A fault that retrying does not mend. Its message says what to do, and follows the variable's name. */
export class Fault extends Error {}

const DEFAULT_PORTS: Record<string, string> = {
  'postgres:': '5432',
  'postgresql:': '5432',
  'redis:': '6379',
  'rediss:': '6379',
  'amqp:': '5672',
  'amqps:': '5671',
}

/** Without the password. */
export const addressOf = ({ url }: NamedServer) =>
  `${url.hostname || 'localhost'}:${url.port || DEFAULT_PORTS[url.protocol]}`

const CERTIFICATE = /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_)|self-signed certificate|unable to (?:get|verify)/
const OTHER_HOST = /^ERR_TLS_CERT_ALTNAME/
const NO_TLS = /wrong version number|packet length too long|does not support SSL|EPROTO/

/**
 * The faults of connecting that every server shares. @returns undefined for what a retry may mend: silence, a server
 * that is starting.
 */
export function connectionFault(error: unknown, server: NamedServer): Fault | undefined {
  const { code = '', message } = error as NodeJS.ErrnoException
  const { url, name } = server
  const address = addressOf(server)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new Fault(`there is no host "${url.hostname}"; check its name.`)
  }
  if (code === 'ECONNREFUSED') {
    return new Fault(`nothing listens at ${address}; start ${name} there, or check host and port.`)
  }
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return new Fault(`${address} cannot be reached (${code}); check the host and the network.`)
  }
  if (CERTIFICATE.test(code) || CERTIFICATE.test(message)) {
    return new Fault(
      `the certificate of ${address} is not trusted (${code || message}); name the file of its authority ` +
        'in NODE_EXTRA_CA_CERTS, and a host name that it is made for.',
    )
  }
  if (OTHER_HOST.test(code)) return new Fault(`the certificate of ${address} is for another host (${message}).`)
  if (NO_TLS.test(code) || NO_TLS.test(message)) {
    return new Fault(
      `${address} does not speak TLS; ask for it without (${WITHOUT_TLS[url.protocol] ?? 'no sslmode'}).`,
    )
  }
  return undefined
}

const WITHOUT_TLS: Record<string, string> = { 'rediss:': 'redis://', 'amqps:': 'amqp://' }

export const userOf = ({ url }: NamedServer, byDefault: string) => decodeURIComponent(url.username) || byDefault
