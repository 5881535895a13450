import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/** An IPv6 address with brackets, zone and port has about 70 characters. */
const LENGTH_MAX = 100

/**
 * Address of the client: that of the socket, or with trusted proxies in front the entry that the outermost of them
 * wrote into X-Forwarded-For. An entry that is no address falls back to the socket's address: otherwise a client could
 * get a fresh rate limit with each made-up entry. `req.ip` returns this address (see http-service.ts).
 */
export function clientAddress({ socket, headers }: IncomingMessage, trustedProxies: number): string {
  const forwardedFor = trustedProxies === 0 ? undefined : headers['x-forwarded-for']
  const client = forwardedFor === undefined ? undefined : addressIn(entryFromEnd(String(forwardedFor), trustedProxies))
  return client ?? addressIn(socket.remoteAddress ?? '') ?? ''
}

/** The entry at this place from the end of a comma-separated list; the first entry when there are fewer. */
function entryFromEnd(list: string, place: number): string {
  let end = list.length
  for (let left = place; ; left--) {
    const comma = list.lastIndexOf(',', end - 1)
    if (left === 1 || comma === -1) return list.slice(comma + 1, end)
    end = comma
  }
}

/**
 * Extracts the address from every form that proxies write: 203.0.113.7:50001, [2001:db8::1]:443, fe80::1%eth0,
 * for="[2001:db8::1]". IPv4 mapped into IPv6 becomes IPv4. Undefined when the text holds no address.
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
 * Key of the rate limit of an address: IPv4 unchanged, IPv6 by its /64, because one subscriber usually owns a whole
 * /64.
 */
export function addressForLimit(ip: string): string {
  // Node's pattern for IPv6 takes a hundredth of a refusal to find out that an IPv4 address is none.
  if (!ip.includes(':') || !isIPv6(ip)) return ip
  const network = groupsOf(ip).slice(0, 4)
  return `${network.map((group) => group.toString(16)).join(':')}::/64`
}

/** The IPv4 address that a dual-stack socket (::ffff:0:0/96) or NAT64 (64:ff9b::/96) embeds. */
function ipv4Inside(address: string): string | undefined {
  const [a, b, c, d, e, f, high = 0, low = 0] = groupsOf(address)
  const isMapped = a === 0 && b === 0 && f === 0xffff
  const isTranslated = a === 0x64 && b === 0xff9b && f === 0
  if (!(isMapped || isTranslated) || c !== 0 || d !== 0 || e !== 0) return undefined
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight groups of an IPv6 address, with "::" expanded. */
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
