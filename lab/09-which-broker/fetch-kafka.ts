/**
 * Usage: npm run lab:kafka
 * Fetches Kafka's broker for lab 09, once: about 45 MB from Maven Central, or from the mirror that your settings of
 * Maven name, into lab/09-which-broker/jars/. Needs Java 17 or newer, and Maven. Delete that folder to have the lab
 * without.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { commandLine } from '../../core/platform/process/command-line.ts'
import { hasJars, hasJava, JARS, KAFKA_VERSION } from './kafka-jars.ts'

commandLine()

/** The second writes the broker's errors to its output. */
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>seckill</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${KAFKA_VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
`

if (!hasJava()) stop('There is no "java" here: Kafka needs Java 17 or newer.')
if (hasJars()) console.log(`Kafka ${KAFKA_VERSION} is there already: ${JARS}`)
else await fetchJars()

async function fetchJars(): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'seckill-kafka-'))
  const draft = `${JARS}.new`
  try {
    await writeFile(join(scratch, 'pom.xml'), POM)
    const copy = ['--batch-mode', '--quiet', 'dependency:copy-dependencies', `-DoutputDirectory=${draft}`]
    console.log(`Fetching Kafka ${KAFKA_VERSION} with Maven …`)
    await execa('mvn', copy, { cwd: scratch, stdio: 'inherit' })
    await rm(JARS, { recursive: true, force: true })
    await rename(draft, JARS)
    console.log('Kafka runs in lab 09 from now on: npm run lab -- which-broker')
  } catch (error) {
    stop(`Maven could not fetch it: ${(error as Error).message.split('\n')[0]}`)
  } finally {
    await rm(draft, { recursive: true, force: true })
    await rm(scratch, { recursive: true, force: true })
  }
}

function stop(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
