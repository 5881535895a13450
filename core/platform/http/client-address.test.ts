import type { IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { addressForLimit, addressIn, clientAddress } from './client-address.ts'

describe('an address is extracted from every form that proxies write', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:50001', '203.0.113.7'],
    ['203.0.113.7:', '203.0.113.7'],
    [' 203.0.113.7\t', '203.0.113.7'],
    ['"203.0.113.7:50001"', '203.0.113.7'],
    ['for=203.0.113.7', '203.0.113.7'],
    ['For="203.0.113.7:_hidden"', '203.0.113.7'],
    ['[203.0.113.7]:80', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['for="[2001:DB8::1]:443"', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:443', 'fe80::1'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:50001', '203.0.113.7'],
    ['::ffff:203.0.113.7:50001', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
  ])('%j', (text, address) => {
    expect(addressIn(text)).toBe(address)
  })

  test.each([
    '',
    ' ',
    ',',
    ':',
    '::::',
    '[]',
    '[]:80',
    '""',
    'for=',
    'unknown',
    '_hidden',
    'localhost',
    'nonsense',
    '999.999.999.999',
    '203.0.113',
    '203.0.113.7.9',
    '010.0.0.1',
    '203.0.113.7:80:90',
    '203.0.113.7/24',
    '[2001:db8::1',
    '2001:db8::1]',
    '2001:db8::/64',
    '2001:db8:::1',
    '12345::',
    '{sale}:stock',
    '203.0.113.7\0',
    'x'.repeat(8_000),
    `[${':'.repeat(8_000)}`,
    `${'1.'.repeat(4_000)}:1`,
  ])('%j is no address', (text) => {
    expect(addressIn(text)).toBeUndefined()
  })
})

describe('the client address is', () => {
  const addressOf = (proxies: number, forwardedFor?: string, remoteAddress = '::ffff:10.0.0.1') =>
    clientAddress(
      { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwardedFor } } as unknown as IncomingMessage,
      proxies,
    )

  test('that of the socket, without a proxy in front', () => {
    expect(addressOf(0, '203.0.113.7')).toBe('10.0.0.1')
    expect(addressOf(0, undefined, 'fe80::1%eth0')).toBe('fe80::1')
  })

  test('the one that the outermost trusted proxy wrote', () => {
    expect(addressOf(1, '198.51.100.1, 203.0.113.7:50001')).toBe('203.0.113.7')
    expect(addressOf(2, '198.51.100.1,203.0.113.7:50001 , [2001:db8::1]:443')).toBe('203.0.113.7')
  })

  test('the first of the list, when there are fewer entries than trusted proxies', () => {
    expect(addressOf(3, '203.0.113.7, 198.51.100.1')).toBe('203.0.113.7')
  })

  test.each(['', ',', '203.0.113.7,', '203.0.113.7, unknown', '203.0.113.7, [', `203.0.113.7, ${'9'.repeat(8_000)}`])(
    'that of the socket, when the proxy wrote %j',
    (forwardedFor) => {
      expect(addressOf(1, forwardedFor)).toBe('10.0.0.1')
    },
  )

  test('empty once the socket is gone', () => {
    expect(clientAddress({ socket: {}, headers: {} } as unknown as IncomingMessage, 1)).toBe('')
  })
})

describe('the rate limit counts', () => {
  test('each IPv4 address by itself', () => {
    expect(addressForLimit('203.0.113.7')).toBe('203.0.113.7')
  })

  test.each([
    ['2001:db8:1:2:aaaa::1', '2001:db8:1:2::/64'],
    ['2001:db8:0001:2:ffff:0:0:9', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['1:2::3:4:5:203.0.113.7', '1:2:0:3::/64'],
    ['1:2:0:3:4:5:cb00:7107', '1:2:0:3::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ])('an IPv6 address by its /64: %s', (address, network) => {
    expect(addressForLimit(address)).toBe(network)
  })
})
