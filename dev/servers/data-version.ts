import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface OtherVersion {
  server: string
  version: string
  madeBy: string
  folder: string
  /** Chooses the server's program. */
  variable: string
}

/** The message for data of another version than the server's. */
export function otherVersion({ server, version, madeBy, folder, variable }: OtherVersion): string {
  return (
    `${server} ${version} cannot read the data in ${folder}, made by ${server} ${madeBy}. ` +
    `Name the programs of ${server} ${madeBy} in ${variable} to keep the data, or clear all data with: npm run reset`
  )
}

const mark = (dataDir: string) => join(dataDir, 'made-by')

/** Notes which RabbitMQ last ran on the data: the data themselves do not say. */
export async function markRabbitmqData(dataDir: string, version: string): Promise<void> {
  await writeFile(mark(dataDir), `${version}\n`)
}

/**
 * RabbitMQ reads no data of a later version, and 4.x none from before 3.13: https://www.rabbitmq.com/docs/upgrade
 * @throws one sentence; the server itself fails in the middle of its boot, in its log.
 */
export function checkRabbitmqData(dataDir: string, version: string | undefined): void {
  const madeBy = textOf(mark(dataDir))?.trim()
  if (!version || !madeBy) return
  const isLater = seriesOf(madeBy) > seriesOf(version)
  const isTooOld = seriesOf(version) >= seriesOf('4.0') && seriesOf(madeBy) < seriesOf('3.13')
  if (!isLater && !isTooOld) return
  throw new Error(
    otherVersion({
      server: 'RabbitMQ',
      version,
      madeBy,
      folder: dataDir,
      variable: 'RABBITMQ_SERVER',
    }),
  )
}

/** Comparable: 3.13 comes before 4.0. */
function seriesOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 1_000 + minor
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
