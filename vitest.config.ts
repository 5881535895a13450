import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'
import { HeavyFirst } from './test/heavy-first.ts'
import { isLong } from './test/support/thoroughness.ts'
import { isOfTestLong, testFiles, unitTests } from './test/tiers.ts'

const unit = unitTests()
const isWanted = (file: string) => isLong || !isOfTestLong(file) || process.argv.includes(file)
const withServers = testFiles().filter((file) => !unit.includes(file) && isWanted(file))
/** Not part of npm test: `npm run test:labs` and `npm run test:browser`. */
const isOfLabs = (file: string) => file.startsWith('lab/')
const isOfBrowser = (file: string) => file.startsWith('test/browser/')

export default defineConfig({
  test: {
    pool: 'forks',
    // Files share a process, one after another: loading the services, and running them for the first time, costs more
    // than most files do. So a file closes what it opens, and restores the environment that it changes.
    isolate: false,
    // Tests wait for lapses, timeouts and restarts: with two, a machine of two cores is idle for a third of the time.
    maxWorkers: 4,
    sequence: { sequencer: HeavyFirst },
    // Sets the limits of tests and hooks, which depend on how fast the machine is just now.
    setupFiles: 'test/support/setup.ts',
    teardownTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
    projects: [
      { extends: true, test: { name: 'unit', include: unit } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: withServers.filter((file) => !isOfLabs(file) && !isOfBrowser(file)),
          globalSetup: 'test/global-setup.ts',
        },
      },
      {
        extends: true,
        test: { name: 'labs', include: withServers.filter(isOfLabs), globalSetup: 'test/global-setup.ts' },
      },
      {
        extends: true,
        test: { name: 'browser', include: withServers.filter(isOfBrowser), globalSetup: 'test/global-setup.ts' },
      },
    ],
  },
})
