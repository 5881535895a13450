import { expect, test } from 'vitest'
import { withBlock } from './readme-block.ts'

test('only what stands between the markers is replaced', () => {
  const readme = '# Title\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nthe rest\n'
  const once = withBlock(readme, 'new')
  expect(once).toBe('# Title\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nthe rest\n')
  expect(withBlock(once, 'new'), 'writing the same again changes nothing').toBe(once)
})

test('a README whose markers are missing, doubled or in the wrong order is refused', () => {
  for (const readme of [
    '',
    '<!-- bench:begin -->',
    '<!-- bench:end --><!-- bench:begin -->',
    '<!-- bench:begin --><!-- bench:begin --><!-- bench:end -->',
  ]) {
    expect(() => withBlock(readme, 'new')).toThrow('once each')
  }
})
