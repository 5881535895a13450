/**
 * Usage: npm run asyncapi [-- --check]
 * Writes docs/asyncapi.json and the page that shows it, from the schemas; with --check it only says whether they are
 * stale (exit 1).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asyncApiDocument } from '../core/contracts/asyncapi.ts'
import { commandLine } from '../core/platform/process/command-line.ts'
import { asyncApiPage } from './asyncapi-page.ts'

const {
  values: { check },
} = commandLine({ check: { type: 'boolean' } })
const FOLDER = join(import.meta.dirname, '../docs')

const document = asyncApiDocument()
const files = { 'asyncapi.json': `${JSON.stringify(document, null, 2)}\n`, 'asyncapi.html': asyncApiPage(document) }

for (const [name, expected] of Object.entries(files)) {
  const file = join(FOLDER, name)
  if (!check) {
    writeFileSync(file, expected)
  } else if (readFileSync(file, 'utf8') !== expected) {
    console.error(`docs/${name} is stale: run "npm run asyncapi" and keep what it writes.`)
    process.exitCode = 1
  }
}
