import { defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'
import { testFiles, unitTests } from './test/tiers.ts'

const unit = unitTests()

export default defineConfig({
  test: {
    // A process per file: tests kill connections and change the environment.
    pool: 'forks',
    // With two, a machine of two cores is idle for a third of the time: tests wait for lapses, timeouts and restarts.
    maxWorkers: 3,
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
          include: testFiles().filter((file) => !unit.includes(file)),
          globalSetup: 'test/global-setup.ts',
        },
      },
    ],
  },
})
