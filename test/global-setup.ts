import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { bundlePrograms } from './bundles.ts'
import { startTestServers, type TestServers } from './servers.ts'

declare module 'vitest' {
  interface ProvidedContext extends TestServers {}
}

/**
 * One private PostgreSQL, Redis and RabbitMQ for the whole run; those of TEST_SERVERS where a program that runs many
 * times keeps some for all of its runs. TEST_BUNDLES tells the tests, which inherit it, where the bundles are.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_SERVERS
  const [bundles, { stop, ...servers }] = await Promise.all([
    bundlePrograms(),
    given ? { ...(JSON.parse(given) as TestServers), stop: async () => {} } : startTestServers(),
  ])
  process.env.TEST_BUNDLES = bundles.folder
  for (const [name, value] of Object.entries(servers)) provide(name as keyof TestServers, value)
  return async () => {
    try {
      await Promise.all([stop(), bundles.remove()])
    } catch (error) {
      process.exitCode = 1 // vitest only prints what a teardown throws, and ends well.
      throw error
    }
  }
}
