import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/** An IPv6 address with brackets, zone and port has some 70 characters. */
const LENGTH_MAX = 100

/**
 * Whom a request comes from: the socket's address, or with trusted proxies in front what the outermost of them wrote
 * into X-Forwarded-For. What is no address there counts as the socket's: made up anew each time, it would be a new
 * client each time. Every `req.ip` is this one (see http-service.ts).
 */
export function clientAddress({ socket, headers }: IncomingMessage, trustedProxies: number): string {
  const told = trustedProxies === 0 ? undefined : headers['x-forwarded-for']
  const client = told === undefined ? undefined : addressIn(entryFromEnd(String(told), trustedProxies))
  return client ?? addressIn(socket.remoteAddress ?? '') ?? ''
}

/** Of a list with commas; the first one when there are fewer. */
function entryFromEnd(list: string, place: number): string {
  let end = list.length
  for (let left = place; ; left--) {
    const comma = list.lastIndexOf(',', end - 1)
    if (left === 1 || comma === -1) return list.slice(comma + 1, end)
    end = comma
  }
}

/**
 * The bare address in any form that a proxy writes: 203.0.113.7:50001, [2001:db8::1]:443, fe80::1%eth0,
 * for="[2001:db8::1]". IPv4 inside IPv6 is IPv4. Undefined for what is no address.
 */
export function addressIn(text: string): string | undefined {
  if (isIPv4(text)) return text
  if (text.length > LENGTH_MAX) return undefined
  const unquoted = text
    .trim()
    .toLowerCase()
    .replace(/^for=/, '')
    .replace(/^"(.*)"$/, '$1')
  const [, bracketed] = /^\[([^\]]*)\](?::\w*)?$/.exec(unquoted) ?? []
  const withoutPort = bracketed ?? unquoted.replace(/(\.\d{1,3}):\w*$/, '$1')
  const address = withoutPort.replace(/%.*$/, '')
  if (isIPv4(address)) return address
  return isIPv6(address) ? (ipv4Inside(address) ?? address) : undefined
}

/**
 * The client address that shares one bucket: IPv4 as it is, IPv6 by its /64, because one subscriber usually has a whole
 * /64 to pick addresses from.
 */
export function addressForLimit(ip: string): string {
  return isIPv6(ip)
    ? `${groupsOf(ip)
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(':')}::/64`
    : ip
}

/** What a dual-stack socket (::ffff:0:0/96) or a translator (64:ff9b::/96) wraps. */
function ipv4Inside(address: string): string | undefined {
  const [a, b, c, d, e, f, high = 0, low = 0] = groupsOf(address)
  const isMapped = a === 0 && b === 0 && f === 0xffff
  const isTranslated = a === 0x64 && b === 0xff9b && f === 0
  if (!(isMapped || isTranslated) || c !== 0 || d !== 0 || e !== 0) return undefined
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of an IPv6 address, however it is written. */
function groupsOf(address: string): number[] {
  const [head = [], tail] = address.split('::').map((part) => (part === '' ? [] : part.split(':').flatMap(groupsIn)))
  if (tail === undefined) return head
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

/** The last 32 bits may be written as IPv4. */
function groupsIn(part: string): number[] {
  if (!part.includes('.')) return [Number.parseInt(part, 16)]
  const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}
