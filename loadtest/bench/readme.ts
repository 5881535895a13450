/**
 * Usage: npm run bench:readme -- <bench.json>   puts that run into both READMEs, docs/scaling.md and docs/bench/
 *        npm run bench:readme -- --check        exits 1 when they are not what docs/bench/bench.json makes of them, or
 *                                               when more than a tenth of the measured files have changed since
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { commandLine, refuse } from '../../core/platform/process/command-line.ts'
import { changedShare, CHANGED_SHARE_MAX, measuredFiles } from './measured-files.ts'
import { picture } from './report/charts.ts'
import { costsBlock } from './report/costs-block.ts'
import { type Language, readmeBlock, withBlock } from './report/readme-block.ts'
import { remarks } from './report/table.ts'
import type { BenchRun } from './results.ts'
import { readRunFile, textOf } from './run-file.ts'

const FILES = { json: 'docs/bench/bench.json', svg: 'docs/bench/bench.svg' }
const TABLES: [file: string, language: Language, block: (run: BenchRun, language: Language) => string][] = [
  ['README.md', 'en', (...of) => readmeBlock(...of, FILES)],
  ['README.zh-CN.md', 'zh', (...of) => readmeBlock(...of, FILES)],
  ['docs/scaling.md', 'en', costsBlock],
  ['docs/zh/scaling.md', 'zh', costsBlock],
]

const {
  values: { check },
  positionals: [given],
} = commandLine({ check: { type: 'boolean' } }, [0, 1])
if ((given === undefined) !== (check === true)) refuse('Expected either the raw file of a bench or --check.')
const run = await readRunFile(given ?? FILES.json)
if (run.unexpected.length > 0) stop(`That run is not fit to be shown: ${run.unexpected.join('; ')}`)
const wanted = new Map([
  [FILES.json, textOf(run)],
  [FILES.svg, picture(run)],
])
for (const [file, language, block] of TABLES)
  wanted.set(file, withBlock(await readFile(file, 'utf8'), block(run, language)))

if (check) {
  const files = [...wanted.keys()]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')))
  const differing = files.filter((file, i) => texts[i] !== wanted.get(file))
  if (differing.length > 0)
    stop(`Not what ${FILES.json} makes of it: ${differing.join(', ')}. Run: npm run bench:readme -- ${FILES.json}`)
  const share = changedShare(run.measured, measuredFiles())
  const percent = `${(100 * share).toFixed(0)} %`
  if (share > CHANGED_SHARE_MAX)
    stop(
      `${FILES.json} is older than the code it measures: ${percent} of the measured files have changed since, at most ` +
        `${100 * CHANGED_SHARE_MAX} % may. Run: npm run bench, then npm run bench:readme -- <its raw figures>`,
    )
  console.log(`The documents say what ${FILES.json} says; ${percent} of the measured files have changed since.`)
} else {
  await mkdir('docs/bench', { recursive: true })
  for (const [file, text] of wanted) await writeFile(file, text)
  console.log([`Written: ${[...wanted.keys()].join(', ')}`, ...remarks(run)].join('\n'))
}

function stop(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
