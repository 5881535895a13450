import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefused } from './support/expect-refused.ts'
import { call } from './support/http-client.ts'
import { startSystem, type System } from './support/system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem({ POLL_RATE_PER_SECOND: '0.001', POLL_BURST: '1' })
})
afterAll(() => system.close())

describe.each([
  ['the shop', 'GATEWAY_PORT'],
  ['the control room', 'CONTROL_ROOM_PORT'],
])('the page of %s', (_of, port) => {
  const url = (path: string) => `http://127.0.0.1:${system.env[port]}${path}`

  test('is looked at anew each time, and may use nothing but its own files', async () => {
    const { status, headers, text } = await call('GET', url('/'))
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-cache')
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';form-action 'none';frame-ancestors 'none';base-uri 'none'",
    )
    expect(text).not.toMatch(/<script>|<style|https?:/)
  })

  test('is made of files that never change', async () => {
    const { text } = await call('GET', url('/'))
    const assets = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
    expect(assets.length).toBeGreaterThan(2)
    for (const path of assets) {
      const { status, headers } = await call('GET', url(path))
      expect({ path, status, cached: headers.get('cache-control') }).toEqual({
        path,
        status: 200,
        cached: 'public, max-age=31536000, immutable',
      })
      expect(headers.get('content-type')).toMatch(/^(text\/(javascript|css)|image\/svg)/)
    }
  })
})

test('a rate-limited address still gets the page', async () => {
  for (let i = 0; i < 3; i++) await call('GET', system.url('/sales'))
  expectRefused(await call('GET', system.url('/sales')), 'RATE_LIMITED')
  expect((await call('GET', system.url('/'))).status).toBe(200)
})
