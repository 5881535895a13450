import { groupBy } from '../../core/platform/batches/divide.ts'
import { clock, secondsIn } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './copy-table.ts'

/** At the end, the copy has the rows of the source, and no others. */
export function judge(history: Step[]): Verdict {
  const rows = groupBy(history, ({ row }) => row)
  const wrong = [...rows.values()].filter((steps) => valueIn(steps, 'IN_SOURCE') !== valueIn(steps, 'IN_COPY'))
  const ghosts = wrong.filter((steps) => valueIn(steps, 'IN_SOURCE') === null)
  const applied = history.filter(({ did }) => did === 'APPLIED')
  const distinct = new Set(applied.map(({ row, version }) => `${row}.${version}`)).size
  const figures = {
    ghosts: ghosts.length,
    stale: wrong.length - ghosts.length,
    twice: applied.length - distinct,
    perSecond: distinct / secondsIn(applied),
  }
  const broken = ghosts[0] ?? wrong[0]
  if (broken) return { holds: false, figures, says: wrongSentence(broken), lines: timeline(broken) }
  return {
    holds: true,
    figures,
    says: {
      en:
        `each of the ${rows.size} rows is in the copy as it is in the source, after ${distinct} changes of which ` +
        `${figures.twice} came twice`,
      zh: `${rows.size} 行，副本与源表逐行一致；共 ${distinct} 个改动，其中 ${figures.twice} 个来了两次`,
    },
  }
}

function wrongSentence(steps: Step[]): Words {
  const [{ row } = { row: 0 }] = steps
  const [source, copy] = [valueIn(steps, 'IN_SOURCE'), valueIn(steps, 'IN_COPY')]
  const [early, late] = firstInversion(steps) ?? []
  const has = (value: string | null) =>
    value === null ? { en: 'does not exist', zh: '不存在' } : { en: `is ${value}`, zh: `是 ${value}` }
  const order: Words =
    early && late
      ? {
          en:
            `${early.worker} applied its ${early.does} at ${clock(early.at)}, and ${late.worker} the ${late.does} ` +
            `before that only at ${clock(late.at)}`,
          zh:
            `${early.worker} 在 ${clock(early.at)} 执行了它的 ${early.does}，` +
            `而更早的 ${late.does} 到 ${clock(late.at)} 才由 ` +
            `${late.worker} 执行`,
        }
      : { en: 'its changes did not all come', zh: '它的改动没有全到' }
  return {
    en: `row ${row} ${has(source).en} in the source and ${has(copy).en} in the copy: ${order.en}`,
    zh: `第 ${row} 行在源表里${has(source).zh}，在副本里却${has(copy).zh}：${order.zh}`,
  }
}

const valueIn = (steps: Step[], where: 'IN_SOURCE' | 'IN_COPY') => steps.find(({ did }) => did === where)?.value ?? null

const appliedTo = (steps: Step[]) =>
  steps.filter(({ did }) => did === 'APPLIED').toSorted((one, other) => one.at - other.at)

/** The last change that was applied behind one that should have come after it, and that one. */
function firstInversion(steps: Step[]): [early: Step, late: Step] | undefined {
  const applied = appliedTo(steps)
  const pairs = applied.flatMap((early, i) =>
    applied
      .slice(i + 1)
      .filter(({ version = 0 }) => version < (early.version ?? 0))
      .map((late): [Step, Step] => [early, late]),
  )
  return pairs.at(-1)
}

/** What was applied to a row, in which order. */
function timeline(steps: Step[]): string[] {
  const applied = appliedTo(steps)
  const [{ at: began } = { at: 0 }] = applied
  return applied.map(({ at, worker = '', version, does, value }) => {
    const ms = (at - began).toFixed(1).padStart(6)
    return `${ms} ms  ${worker.padEnd(10)}change ${version}: ${does} ${value ?? ''}`.trimEnd()
  })
}
