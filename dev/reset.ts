/** `npm run reset`: clears what earlier starts have stored; the next start begins with an empty database. */
import { rm } from 'node:fs/promises'
import { AlreadyRunning, RunRecord } from './run-file.ts'
import { dataFolder, makeDataFolder } from './servers/data-folder.ts'

try {
  // Claimed first, which refuses while a start is running, and stops what a killed one left.
  await RunRecord.claim(await makeDataFolder(), console.error)
  await rm(await dataFolder(), { recursive: true, force: true })
  console.log('All data is cleared.')
} catch (error) {
  const why = (error as Error).message
  console.error(error instanceof AlreadyRunning ? `${why}\nIts data is in use: nothing was cleared.` : why)
  process.exitCode = 1
}
