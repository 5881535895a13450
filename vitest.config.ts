import { configDefaults, defineConfig } from 'vitest/config'
import { ClosingLine } from './test/closing-line.ts'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'prisma/generated/**', 'web/dist/**', '.data/**'],
    globalSetup: 'test/global-setup.ts',
    // A process per file: tests kill connections and change the environment.
    pool: 'forks',
    // More would compete with the servers for the two cores of a small machine, and make timings meaningless.
    maxWorkers: 2,
    // Sets the limits of tests and hooks, which depend on how fast the machine is just now.
    setupFiles: 'test/support/setup.ts',
    teardownTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
  },
})
