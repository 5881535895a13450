import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const KAFKA_VERSION = '4.1.1'
/** Where `npm run lab:kafka` puts the broker. */
export const JARS = join(import.meta.dirname, 'jars')

export const hasJava = (): boolean => spawnSync('java', ['-version']).status === 0
export const hasJars = (): boolean => existsSync(join(JARS, `kafka_2.13-${KAFKA_VERSION}.jar`))
