/**
 * Usage: npm run reset [-- --yes]
 *   --yes   without asking; needed where there is no terminal to ask on
 * Clears what earlier starts have stored: databases, queues, secrets and logs. The next start begins with an empty
 * database. What was built or installed stays.
 */
import { createInterface } from 'node:readline/promises'
import { commandLine, refuse } from '../core/platform/process/command-line.ts'
import { clearData } from './clear-data.ts'
import { AlreadyRunning } from './run-file.ts'
import { dataFolder, makeDataFolder } from './servers/data-folder.ts'

const {
  values: { yes: isSure },
} = commandLine({ yes: { type: 'boolean' } })

try {
  const folder = await dataFolder()
  if (isSure || (await agrees(folder))) {
    await clearData(await makeDataFolder())
    console.log('All data is cleared.')
  } else {
    console.error('Nothing was cleared.')
    process.exitCode = 1
  }
} catch (error) {
  const why = (error as Error).message
  console.error(error instanceof AlreadyRunning ? `${why}\nIts data is in use: nothing was cleared.` : why)
  process.exitCode = 1
}

async function agrees(folder: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    refuse('There is no terminal to ask on, and --yes was not given: nothing was cleared.')
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  // Ctrl-C and Ctrl-D are a no; readline would leave the question open for ever.
  const left = new AbortController()
  terminal.once('close', () => left.abort())
  const answer = await terminal
    .question(`Clear all data in ${folder}? There is no way back. [y/N] `, { signal: left.signal })
    .catch(() => '')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
