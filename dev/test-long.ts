/**
 * Usage: npm run test:long
 * Takes all guards away, one at a time, then plays twenty rounds of bad weather. Takes hours.
 */
import { execa } from 'execa'
import { commandLine } from '../core/platform/process/command-line.ts'

commandLine()
for (const args of [['mutations'], ['chaos', '--', '--rounds', '20']]) {
  const { exitCode } = await execa('npm', ['run', '-s', ...args], { stdio: 'inherit', reject: false })
  process.exitCode = exitCode ?? 1
  if (exitCode !== 0) break
}
