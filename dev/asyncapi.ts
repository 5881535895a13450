/**
 * Usage: npm run asyncapi [-- --check]
 * Writes docs/asyncapi.json from the message schemas; with --check it only reports whether the file is stale (exit 1).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asyncApiDocument } from '../core/contracts/asyncapi.ts'
import { commandLine } from '../core/platform/process/command-line.ts'

const {
  values: { check },
} = commandLine({ check: { type: 'boolean' } })
const file = join(import.meta.dirname, '../docs/asyncapi.json')
const expected = `${JSON.stringify(asyncApiDocument(), null, 2)}\n`

if (!check) {
  writeFileSync(file, expected)
} else if (readFileSync(file, 'utf8') !== expected) {
  console.error('docs/asyncapi.json is stale: run "npm run asyncapi" and commit the result.')
  process.exitCode = 1
}
