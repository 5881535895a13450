import { isIPv6 } from 'node:net'

/**
 * The client address that shares one bucket: IPv4 as it is, IPv6 by its /64, because one subscriber usually has a whole
 * /64 to pick addresses from.
 */
export function addressForLimit(ip: string): string {
  const address = ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip
  return isIPv6(address) ? `${first64Bits(address)}::/64` : address
}

function first64Bits(address: string): string {
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(8 - left.length - right.length).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).map((group) => group.toLowerCase().replace(/^0+(?=.)/, '')).join(':')
}
