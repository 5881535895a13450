import { parseUrl } from '../http/http-url.ts'

/** The nodes that a RABBITMQ_URL lists, separated by commas. A password may contain a comma. */
export const brokersOf = (list: string): string[] => list.trim().split(/\s*,\s*(?=amqps?:\/\/)/)

/** libpq and MongoDB list hosts like this; amqplib would look up "a,b". */
const SEVERAL_HOSTS = /^amqps?:\/\/([^/?#]*@)?[^/?#@]*,[^@]*$/

/** What is wrong with a RABBITMQ_URL; undefined when nothing is. It quotes no value, which may hold a password. */
export function brokersFault(list: string): string | undefined {
  const brokers = brokersOf(list)
  if (brokers.some((broker) => SEVERAL_HOSTS.test(broker)))
    return 'expected a whole URL for each node: amqp://user:password@a:5672,amqp://user:password@b:5672'
  const urls = brokers.map((broker) => (/^amqps?:\/\/[^/]/.test(broker) ? parseUrl(broker) : undefined))
  const malformed = urls.indexOf(undefined)
  if (malformed >= 0) return `Invalid URL${urls.length > 1 ? ` (number ${malformed + 1} of ${urls.length})` : ''}`
  const virtualHosts = new Set(urls.map((url) => url?.pathname.replace(/^\/$/, '')))
  return virtualHosts.size > 1 ? 'expected the same virtual host in the URL of every node' : undefined
}
