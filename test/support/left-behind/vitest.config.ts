import { defineConfig } from 'vitest/config'
import { ClosingLine } from '../../closing-line.ts'

/** Failing tests, for test/left-behind.long.test.ts, which checks that their processes are ended. */
export default defineConfig({
  test: {
    root: `${import.meta.dirname}/../../..`,
    include: ['test/support/left-behind/*.fails.ts'],
    globalSetup: 'test/global-setup.ts',
    setupFiles: 'test/support/setup.ts',
    pool: 'forks',
    reporters: ['default', new ClosingLine()],
  },
})
