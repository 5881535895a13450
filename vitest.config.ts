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
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 60_000,
    reporters: ['default', new ClosingLine()],
  },
})
