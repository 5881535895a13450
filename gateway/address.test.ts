import { expect, test } from 'vitest'
import { addressForLimit } from './address.ts'

test('IPv4 counts as it is, also when a dual-stack socket wraps it', () => {
  expect(addressForLimit('203.0.113.7')).toBe('203.0.113.7')
  expect(addressForLimit('::ffff:203.0.113.7')).toBe('203.0.113.7')
})

test('IPv6 counts by its /64, however it is written', () => {
  expect(addressForLimit('2001:db8:1:2:aaaa::1')).toBe('2001:db8:1:2::/64')
  expect(addressForLimit('2001:DB8:0001:2:ffff:0:0:9')).toBe('2001:db8:1:2::/64')
  expect(addressForLimit('2001:db8:1:3::1')).not.toBe(addressForLimit('2001:db8:1:2::1'))
  expect(addressForLimit('::1')).toBe('0:0:0:0::/64')
})
