import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Versions {
  version: string
  /** The version that made the data. */
  madeBy: string
  folder: string
}

/** The message for data of another version than the server's; the variable chooses the server's program. */
export function otherVersion(server: string, variable: string, { version, madeBy, folder }: Versions): string {
  return (
    `${server} ${version} cannot read the data in ${folder}, made by ${server} ${madeBy}. ` +
    `Name the programs of ${server} ${madeBy} in ${variable} to keep the data, or clear all data with: npm run reset`
  )
}

const mark = (dataDir: string) => join(dataDir, 'made-by')

/** Notes which RabbitMQ last ran on the data: the data themselves do not say. */
export const markRabbitmqData = (dataDir: string, version: string) => writeFile(mark(dataDir), version)

/**
 * RabbitMQ reads no data of a later version, and 4.x none from before 3.13: https://www.rabbitmq.com/docs/upgrade
 * @throws one sentence; the server itself fails in the middle of its boot, in its log.
 */
export async function checkRabbitmqData(folder: string, version = ''): Promise<void> {
  const madeBy = (await readFile(mark(folder), 'utf8').catch(() => '')).trim()
  const [series, made] = [seriesOf(version), seriesOf(madeBy)]
  if (!series || !made || (made <= series && (series < 400 || made >= 313))) return
  throw new Error(otherVersion('RabbitMQ', 'RABBITMQ_SERVER', { version, madeBy, folder }))
}

/** 313 for 3.13. */
function seriesOf(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major * 100 + minor
}
