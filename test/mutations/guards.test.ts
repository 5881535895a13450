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
