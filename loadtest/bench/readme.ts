/**
 * Usage: npm run bench:readme -- <bench.json>   puts that run into both READMEs and docs/bench/
 *        npm run bench:readme -- --check        exits 1 when they are not what docs/bench/bench.json makes of them
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { commandLine, refuse } from '../../core/platform/process/command-line.ts'
import { acceptedChart } from './report/bars.ts'
import { stacked } from './report/chart.ts'
import { peakChart } from './report/peak-chart.ts'
import { readRunFile } from './report/read-run-file.ts'
import { type Language, readmeBlock, withBlock } from './report/readme-block.ts'
import { disturbanceLine } from './report/table.ts'
import { compact } from './report/write-results.ts'

const FILES = { json: 'docs/bench/bench.json', svg: 'docs/bench/bench.svg' }
const READMES: [file: string, language: Language][] = [
  ['README.md', 'en'],
  ['README.zh-CN.md', 'zh'],
]

const {
  values: { check },
  positionals: [given],
} = commandLine({ check: { type: 'boolean' } }, [0, 1])
if ((given === undefined) !== (check === true)) refuse('Expected either the raw file of a bench or --check.')
const run = await readRunFile(given ?? FILES.json)
if (run.unexpected.length > 0) stop(`That run is not fit to be shown: ${run.unexpected.join('; ')}`)
const wanted = new Map([
  [FILES.json, `${JSON.stringify(run, compact)}\n`],
  [FILES.svg, stacked([acceptedChart(run), peakChart(run)])],
  ...(await Promise.all(
    READMES.map(
      async ([file, language]) =>
        [file, withBlock(await readFile(file, 'utf8'), readmeBlock(run, language, FILES))] as const,
    ),
  )),
])

if (check) {
  const found = await Promise.all(
    [...wanted].map(async ([file, text]) => ((await readFile(file, 'utf8').catch(() => '')) === text ? [] : [file])),
  )
  if (found.flat().length > 0)
    stop(`Not what ${FILES.json} makes of it: ${found.flat().join(', ')}. Run: npm run bench:readme -- ${FILES.json}`)
  console.log(`The READMEs say what ${FILES.json} says.`)
} else {
  await mkdir('docs/bench', { recursive: true })
  for (const [file, text] of wanted) await writeFile(file, text)
  console.log(`Written: ${[...wanted.keys()].join(', ')}. ${disturbanceLine(run)}`)
}

function stop(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
