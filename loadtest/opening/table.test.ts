import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PAGES, SAVED_FILE, type Saved, withTable } from './table-text.ts'

const saved = JSON.parse(readFileSync(SAVED_FILE, 'utf8')) as Saved

test.each(Object.entries(PAGES))('the table of the opening is what its run makes of it: %s', (language, file) => {
  const page = readFileSync(file, 'utf8')
  expect(page === withTable(page, saved, language as keyof typeof PAGES), 'run: npm run opening:table').toBe(true)
})
