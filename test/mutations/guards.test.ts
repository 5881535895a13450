import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GUARDS } from './guards/index.ts'

// CI takes only some of the rules away: one whose text has changed would be found out by chance.
test('the text of every guard stands in its file exactly once', () => {
  const found = (file: string, text: string) =>
    readFileSync(join(import.meta.dirname, '../..', file), 'utf8').split(text).length - 1
  expect(GUARDS.filter(({ file, text }) => found(file, text) !== 1).map(({ rule }) => rule)).toEqual([])
})

// Vitest runs no test of a name that does not exist, and the rule would seem to be missed by none. A name is the title of
// a describe, if there is one, and the beginning of a test's title.
test('the tests of every guard are called so', () => {
  const isCalled = ({ file, named }: { file: string; named?: string }) => {
    if (named === undefined) return true
    const source = readFileSync(join(import.meta.dirname, '../..', file), 'utf8')
    const isTitle = (text: string, end: string) => ["'", '"', '`'].some((quote) => source.includes(quote + text + end))
    const begins = beginningsOfTemplates(source)
    const words = named.split(' ')
    return words.some((_, i) => {
      const [group, own] = [words.slice(0, i).join(' '), words.slice(i).join(' ')]
      const isGroup = i === 0 || ["'", '"', '`'].some((quote) => isTitle(group, quote))
      return isGroup && (isTitle(own, '') || begins.some((beginning) => beginning.test(own)))
    })
  }
  expect(GUARDS.filter(({ tests }) => !isCalled(tests)).map(({ rule, tests }) => [rule, tests.named])).toEqual([])
})

/** Of titles with "%s": what they begin with, up to each of their words. */
function beginningsOfTemplates(source: string): RegExp[] {
  return [...source.matchAll(/['"`]([^'"`\n]*%[sj][^'"`\n]*)['"`]/g)].flatMap(([, title = '']) => {
    const words = title.split(' ')
    return words
      .map((_, i) => words.slice(0, i + 1))
      .filter((beginning) => beginning.some((word) => !/%[sj]/.test(word)))
      .map((beginning) => {
        const escaped = beginning.join(' ').replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
        return new RegExp(`^${escaped.replaceAll(/\S*%[sj]\S*/g, '.+')}$`)
      })
  })
}
