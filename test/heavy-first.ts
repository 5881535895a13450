import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The slowest rooms, slowest first: processes and servers of their own, then the whole system. */
const HEAVY = ['test/faults/', 'test/']

/**
 * Starts the slowest files first, so that the last of them does not run alone while the other workers are idle. Vitest
 * knows how long a file takes only where it ran before.
 */
export class HeavyFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const weight = ({ project, moduleId }: TestSpecification) => {
      const room = HEAVY.findIndex((folder) => relative(this.ctx.config.root, moduleId).startsWith(folder))
      return project.name === 'unit' ? Infinity : room === -1 ? HEAVY.length : room
    }
    return (await super.sort(files)).toSorted((one, other) =>
      weight(one) === weight(other) ? 0 : weight(one) - weight(other),
    )
  }
}
