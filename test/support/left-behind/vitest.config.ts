import { defineConfig } from 'vitest/config'
import { ClosingLine } from '../../closing-line.ts'

/** Tests that fail, for test/left-behind.test.ts to see what becomes of what they have started. */
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
