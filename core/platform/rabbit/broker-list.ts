import { parseUrl } from '../http/http-url.ts'
import { urlPerHost } from '../http/url-per-host.ts'

/**
 * The nodes of a RABBITMQ_URL, which lists hosts, whole URLs, or both, separated by commas:
 * amqp://user:password@a:5672,b:5672/shop. A password may contain a comma.
 */
export const brokersOf = (list: string): string[] =>
  list
    .trim()
    .split(/\s*,\s*(?=amqps?:\/\/)/)
    .flatMap(urlPerHost)

/** What is wrong with a RABBITMQ_URL; undefined when nothing is. It quotes no value, which may hold a password. */
export function brokersFault(list: string): string | undefined {
  const urls = brokersOf(list).map((broker) => (/^amqps?:\/\/[^/]/.test(broker) ? parseUrl(broker) : undefined))
  const malformed = urls.indexOf(undefined)
  if (malformed >= 0) return `Invalid URL${urls.length > 1 ? ` (number ${malformed + 1} of ${urls.length})` : ''}`
  const virtualHosts = new Set(urls.map((url) => url?.pathname.replace(/^\/$/, '')))
  return virtualHosts.size > 1 ? 'expected the same virtual host in the URL of every node' : undefined
}
