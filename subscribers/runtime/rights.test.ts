import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { subscriberRights } from './handle-events.ts'

test('the documents show the rights in Redis that subscribers ask for', () => {
  const rules = subscriberRights('seckill:').flatMap(({ rule }) => rule.split(' '))
  const document = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8')
  expect(/ACL SETUSER seckill .*/.exec(document)?.[0].split(' ')).toEqual(expect.arrayContaining(rules))
})
