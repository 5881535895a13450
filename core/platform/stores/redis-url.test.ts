import { expect, test } from 'vitest'
import { readRedisUrl } from './redis-url.ts'

test.each([
  ['redis://localhost:6379', { kind: 'server', isTls: false, login: {}, url: 'redis://localhost:6379' }],
  [
    'rediss://shop:p%40ss@[::1]:6380/2',
    {
      kind: 'server',
      isTls: true,
      login: { username: 'shop', password: 'p@ss' },
      url: 'rediss://shop:p%40ss@[::1]:6380/2',
    },
  ],
  [
    'redis://:pass@a:7001,b,[2001:db8::7]:7003',
    {
      kind: 'cluster',
      isTls: false,
      login: { password: 'pass' },
      nodes: [
        { host: 'a', port: 7001 },
        { host: 'b', port: 6379 },
        { host: '2001:db8::7', port: 7003 },
      ],
    },
  ],
  [
    'rediss+sentinel://shop:pass@a:26380,b/mymaster/3?sentinelPassword=se%2Fcret',
    {
      kind: 'sentinel',
      isTls: true,
      login: { username: 'shop', password: 'pass' },
      sentinels: [
        { host: 'a', port: 26_380 },
        { host: 'b', port: 26_379 },
      ],
      group: 'mymaster',
      db: 3,
      sentinelLogin: { password: 'se/cret' },
    },
  ],
])('%s is read', (url, address) => {
  expect(readRedisUrl(url)).toEqual(address)
})

test.each([
  ['localhost:6379', 'expected redis://host:6379'],
  ['http://localhost', 'expected redis://host:6379'],
  ['redis://', 'expected redis://host:6379'],
  ['redis://a:7001,b:port', 'expected redis://host:6379'],
  ['redis://a:7001,', 'expected redis://host:6379'],
  ['redis://a:70001,b', 'expected redis://host:6379'],
  ['redis://a,b/1', 'expected no database'],
  ['redis+sentinel://:hidden@a,b', 'expected the name of the group'],
  ['redis+sentinel://a/mymaster/one', 'expected the name of the group'],
  ['redis+sentinel://a/mymaster?password=hidden', '?password is not supported, expected only sentinelUsername'],
])('%s is refused, and its password not quoted', (url, sentence) => {
  const read = readRedisUrl(url)
  expect('fault' in read && read.fault).toContain(sentence)
  expect(JSON.stringify(read)).not.toContain('hidden')
})
