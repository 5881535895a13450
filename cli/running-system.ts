import { spawnSync } from 'node:child_process'

/**
 * The addresses and settings of the running `npm start`, for commands that were given none. @throws when nothing runs
 */
export function runningSystem(): Record<string, string> {
  const { status, stdout } = spawnSync(process.execPath, ['dev/run.mjs', 'cli/urls.ts'], { encoding: 'utf8' })
  if (status !== 0) throw new Error('nothing runs here; npm start first, or name the servers in the environment')
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}
