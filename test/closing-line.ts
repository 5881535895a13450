import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Prints `tests: 12 passed, 0 failed` as the very last line, for readers of a log's end. Vitest's own summary
 * leaves out of its count what broke outside a test: a file that does not load, a hook, a stray rejection.
 */
export class ClosingLine implements Reporter {
  #passed = 0
  #failed = 0

  onInit(): void {
    // Not before everything is torn down, which may print, and set an exit code of its own.
    process.once('exit', (code) => {
      if (this.#failed === 0 && code !== 0) this.#failed = 1
      process.stdout.write(`tests: ${this.#passed} passed, ${this.#failed} failed\n`)
    })
  }

  onTestRunStart(): void {
    this.#passed = 0
    this.#failed = 0
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') this.#passed += 1
        if (state === 'failed') this.#failed += 1
      }
      for (const suite of [module, ...module.children.allSuites()]) this.#failed += suite.errors().length
    }
    this.#failed += unhandledErrors.length
    if (this.#failed === 0 && reason !== 'passed') this.#failed = 1
  }
}
