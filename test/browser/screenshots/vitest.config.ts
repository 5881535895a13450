import { defineConfig } from 'vitest/config'

/** `npm run screenshots`: each file starts a system of its own and puts its pictures into docs/screens. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../..`,
    include: ['test/browser/screenshots/*.shots.ts'],
    globalSetup: 'test/global-setup.ts',
    pool: 'forks',
    maxWorkers: 1,
    setupFiles: 'test/support/setup.ts',
    teardownTimeout: 60_000,
  },
})
