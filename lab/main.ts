/**
 * Usage: npm run lab                     lists the labs, with your progress: ✓ seen, ★ solved
 *        npm run lab -- <lab>            runs one, by its number, its name or the beginning of it: 4, locks, lo
 *   --check         checks your exercise.ts
 *   --hint          one more hint to the exercise
 *   --yes           asks nothing
 *   --off SWITCH    only with this protection off, beside all of them on; a lab that has none says so
 *   --lang en|zh    default: as the terminal says
 *   --seed S        draws the same random numbers again
 *   --short         the short form, as the tests run it
 *   --json          prints JSON, for the control room
 * Exits 0 when everything came as promised, 1 when not, 2 when it could not run. Starts servers of its own, also beside
 * a running npm start, and leaves nothing of them behind.
 */
import { commandLine, numberOf, refuse } from '../core/platform/process/command-line.ts'
import { sweepScratchFolders } from '../dev/scratch-folder.ts'
import { ensureBinaries } from '../dev/servers/binaries.ts'
import { startTestServers } from '../test/servers.ts'
import { type FoundLab, findLabs, labsCalled, loadWork } from './frame/find-labs.ts'
import { isAsExpected } from './frame/lab.ts'
import { printDone, printer, printLabs } from './frame/print-json.ts'
import { endPlaces } from './frame/place.ts'
import { noteProgress, readProgress, writeResults } from './frame/results.ts'
import { answerOf, checkWork, type RunOptions, runLab, switchesOf } from './frame/run-lab.ts'
import { Teller } from './frame/tell.ts'
import { languageOf, WORDS } from './frame/words.ts'

const { values, positionals } = commandLine(
  {
    check: { type: 'boolean', default: false },
    hint: { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
    off: { type: 'string' },
    lang: { type: 'string', default: languageOf(process.env) },
    seed: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
  [0, 1],
)
const language =
  values.lang === 'en' || values.lang === 'zh'
    ? values.lang
    : refuse(`--lang: expected en or zh, got "${values.lang}".`)
const seed = numberOf('--seed', values.seed, [0, 2 ** 32 - 1])
const tell = new Teller(language)
const labs = await findLabs()

const [name] = positionals
if (name === undefined) (values.json ? printLabs : tell.list.bind(tell))(labs)
else {
  const [lab, ...others] = labsCalled(name, labs)
  if (!lab || others.length > 0)
    refuse(`Expected the number or name of one lab (${labs.map((each) => each.name).join(', ')}); got "${name}".`)
  const switches = switchesOf(lab)
  if (values.off !== undefined && !switches.includes(values.off))
    refuse(`--off: expected ${switches.join(', ') || 'nothing, since this lab has no switches'}; got "${values.off}".`)
  if (values.hint) hint(lab)
  else if (values.check && !lab.exercise) refuse(WORDS.noExercise[language])
  else if (values.check) await withServers((options) => check(lab, options))
  else if (values.json) await withServers((options) => print(lab, options))
  else {
    tell.opening(lab)
    const predicted = await tell.predict(lab, !values.yes)
    await withServers((options) => run(lab, predicted, options))
  }
}

function hint(lab: FoundLab): void {
  const shown = readProgress()[lab.id]?.hints ?? 0
  tell.hint(lab, shown)
  noteProgress(lab, { hints: Math.min(shown + 1, lab.exercise?.hints.length ?? 0) })
}

async function check(lab: FoundLab, options: RunOptions): Promise<boolean> {
  const properties = await checkWork(lab, await loadWork(lab, 'exercise'), options)
  tell.properties(properties)
  const isSolved = properties.every(({ holds }) => holds)
  if (isSolved) noteProgress(lab, { solvedAt: new Date().toISOString() })
  return isSolved
}

async function print(lab: FoundLab, options: RunOptions): Promise<boolean> {
  const outcomes = await runLab(lab, options, printer())
  printDone(lab, outcomes)
  return outcomes.every(isAsExpected)
}

async function run(lab: FoundLab, predicted: string | undefined, options: RunOptions): Promise<boolean> {
  const outcomes = await runLab(lab, options, {
    onSide: (_, side) => tell.side(side),
    onOutcome: (outcome) => tell.outcome(outcome),
  })
  const answer = answerOf(lab, outcomes)
  tell.closing(lab, outcomes, { predicted, answer })
  const prediction = {
    ...(answer !== undefined && { answer }),
    ...(predicted !== undefined && { prediction: predicted }),
  }
  const report = { seed, ...prediction, outcomes }
  tell.results(await writeResults(lab, report, language))
  noteProgress(lab, { ranAt: new Date().toISOString() })
  return outcomes.every(isAsExpected)
}

/** On Ctrl-C everything is stopped first, however far the start has come. */
async function withServers(work: (options: RunOptions) => Promise<boolean>): Promise<void> {
  await ensureBinaries(console.error)
  await sweepScratchFolders()
  console.error(WORDS.starting[language])
  const starting = startTestServers({ fsync: 'on' })
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= endPlaces().then(async () => (await starting).stop()))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!stopping) console.error(`\n${WORDS.stopping[language]}`)
      void stop().finally(() => process.exit(2))
    })
  process.on('uncaughtException', (error) => {
    if (!stopping) console.error(error.stack)
    void stop().finally(() => process.exit(2))
  })
  try {
    const { stop: _, ...servers } = await starting
    const isAsPromised = await work({ servers, seed, isShort: values.short, off: values.off })
    process.exitCode = isAsPromised ? 0 : 1
  } catch (error) {
    // What waits for servers that are being stopped fails as intended.
    if (!stopping) console.error((error as Error).stack)
    process.exitCode = 2
  }
  await stop()
}
