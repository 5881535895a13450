import { expect, test } from 'vitest'
import { brokersOf } from '../rabbit/broker-list.ts'
import { databaseHosts } from '../stores/database-url.ts'

test.each([
  ['postgresql://a:b@host:5432/shop?sslmode=require', ['postgresql://a:b@host:5432/shop?sslmode=require']],
  ['postgresql://a:b,c@one:5432,two/shop', ['postgresql://a:b,c@one:5432/shop', 'postgresql://a:b,c@two/shop']],
  [
    'postgres://one,two:5433/shop?target_session_attrs=read-write&sslmode=require',
    ['postgres://one/shop?sslmode=require', 'postgres://two:5433/shop?sslmode=require'],
  ],
  ['postgres://one/shop?sslmode=require&target_session_attrs=primary', ['postgres://one/shop?sslmode=require']],
  ['postgresql:///shop?host=/var/run/postgresql', ['postgresql:///shop?host=/var/run/postgresql']],
  ['no URL', ['no URL']],
])('the hosts of %s', (url, hosts) => {
  expect(databaseHosts(url)).toEqual(hosts)
})

test.each([
  ['amqp://a:b@one:5672,two/shop', ['amqp://a:b@one:5672/shop', 'amqp://a:b@two/shop']],
  [' amqp://a:b,c@one , amqps://d:e@two,three', ['amqp://a:b,c@one', 'amqps://d:e@two', 'amqps://d:e@three']],
])('the nodes of %s', (list, nodes) => {
  expect(brokersOf(list)).toEqual(nodes)
})
