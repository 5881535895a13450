/**
 * Usage: npm run -s urls
 * Prints the addresses, pids and secrets of the running npm start as KEY=value lines, for scripts.
 */
import { commandLine } from '../core/platform/process/command-line.ts'
import { isRunning, readRun } from '../dev/run-file.ts'
import { dataFolder } from '../dev/servers/data-folder.ts'
import { variable } from '../dev/services.ts'

commandLine()
const run = readRun(await dataFolder())
if (!run || !isRunning(run)) fail('Nothing runs here. Start it with: npm start')
else if (Object.keys(run.urls).length === 0)
  fail(`It is still starting, as process ${run.launcher.pid}. Ask again in some seconds.`)
else {
  const pids = Object.entries(run.processes).map(([name, { pid }]) => [variable(name, 'PID'), pid])
  for (const [key, value] of [...Object.entries(run.urls), ...pids, ['LAUNCHER_PID', run.launcher.pid]])
    console.log(`${key}=${value}`)
}

function fail(sentence: string): void {
  console.error(sentence)
  process.exitCode = 1
}
