/**
 * Usage: npm run advisories
 * Exits 1 when a dependency has a known advisory of severity high or critical.
 */
import { execa } from 'execa'
import { commandLine } from '../core/platform/process/command-line.ts'

commandLine()

const ANSWER_LIMIT_MS = 60_000

// The log level, because "npm run -s" makes this npm silent, too.
const audit = await execa('npm', ['audit', '--audit-level=high', '--loglevel=warn'], {
  reject: false,
  timeout: ANSWER_LIMIT_MS,
  all: true,
})
// Registries of companies often do not answer; npm exits 1 then, too.
if (/audit endpoint returned an error/.test(audit.stderr))
  console.log(`The registry does not answer that question here: ${audit.stderr.split('\n')[0]}`)
else {
  console.log(audit.all)
  process.exitCode = audit.exitCode ?? 1
}
