import { join } from 'node:path'
import { withBlock } from '../bench/report/readme-block.ts'
import {
  COME_SECONDS,
  type Kind,
  KINDS,
  REACTION_SECONDS,
  SCRIPT_MS,
  type Sizes,
  TRIAL_NAMES,
  type TrialName,
  TRIALS,
  TRIES_PER_SECOND,
  TRY_STANDS_FOR,
} from './trials.ts'

type Language = 'en' | 'zh'
type Words = Record<Language, string>

interface Outcome {
  units: Record<Kind, number>
  tickets: Record<Kind, number>
  lastSeconds: number
}

/** What a run of the scenario comes to, by sale. */
export interface Saved {
  date: string
  machine: string
  sizes: Sizes
  /** A trial that is newer than the run is missing. */
  sales: Partial<Record<TrialName, Outcome>>
}

/** The run that the tables show. */
export const SAVED_FILE = join(import.meta.dirname, 'saved.json')
const DOCS = join(import.meta.dirname, '../../docs')
/** Where the table stands. */
export const PAGES: Record<Language, string> = { en: join(DOCS, 'opening.md'), zh: join(DOCS, 'zh/opening.md') }

const NAMES: Record<TrialName, Words> = {
  none: { en: 'none', zh: '没有' },
  tickets: { en: 'tickets', zh: '资格票' },
  strictTickets: { en: 'tickets, `refuseFrom` 60', zh: '资格票，`refuseFrom` 60' },
  work: { en: 'tickets and proof of work', zh: '资格票和工作量证明' },
  room: { en: 'waiting room', zh: '等候室' },
  draw: { en: 'draw, tickets with `refuseFrom` 60', zh: '抽签、资格票（`refuseFrom` 60）' },
  all: {
    en: 'waiting room, tickets with `refuseFrom` 60, proof of work',
    zh: '等候室、资格票（`refuseFrom` 60）、工作量证明',
  },
}

const KIND_NAMES: Record<Kind, Words> = {
  people: { en: 'people', zh: '真人' },
  scripts: { en: 'scripts', zh: '脚本' },
  farm: { en: 'farm', zh: '农场' },
}

/** The page with the table of this run in the place of the one before. */
export function withTable(page: string, saved: Saved, language: Language): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const rows = TRIAL_NAMES.flatMap((name) => {
    const outcome = saved.sales[name]
    if (!outcome) return []
    const { units, tickets, lastSeconds } = outcome
    const ofFarm = 'ticket' in TRIALS[name].opening ? String(tickets.farm) : '–'
    return [line([NAMES[name][language], ...KINDS.map((kind) => String(units[kind])), ofFarm, lastSeconds.toFixed(1)])]
  })
  const head = {
    en: ['protections', ...KINDS.map((kind) => KIND_NAMES[kind].en), 'tickets of the farm', 'last unit after, s'],
    zh: ['保护', ...KINDS.map((kind) => KIND_NAMES[kind].zh), '农场的票', '最后一件售出（秒）'],
  }[language]
  const table = [line(head), `|---${'|---:'.repeat(head.length - 1)}|`, ...rows]
  return withBlock(page, [...table, '', made(saved)[language]].join('\n'))
}

function made({ date, machine, sizes }: Saved): Words {
  const { stock, people, scripts, farm } = sizes
  const { earliest, latest } = COME_SECONDS
  const { least, most } = REACTION_SECONDS
  const tries = TRIALS.work.opening.proofOfWork.tries * TRY_STANDS_FOR
  const { perSecond } = TRIALS.room.opening.waitingRoom
  const { leadSeconds } = TRIALS.work
  const speed = TRIES_PER_SECOND
  return {
    en:
      `Who got the ${stock} units, in a sale for each row, one unit per buyer. ${people} people come ${latest} to ` +
      `${earliest} s before the opening and press the button ${least} to ${most} s after they may; ${scripts} scripts ` +
      `send their purchase again ${SCRIPT_MS.again} ms after each answer, from a second before on; all of these have ` +
      `an old account and an address each. The farm has ${farm} accounts of that day at one address. The work is ` +
      `${grouped(tries)} tries at no risk, simulated: a phone makes ${speed.people} a second, a script ${grouped(speed.scripts)}, the farm ` +
      `${grouped(speed.farm)}, from ${leadSeconds} s before the opening on. The room admits ${perSecond} a second. ` +
      `Limits by address and buyer as shipped. One run of \`npm run loadtest -- opening\` on ${date}: ${machine}.`,
    zh:
      `每行一场，各有 ${stock} 件，每人限购一件，看谁买到。${people} 个真人在开售前 ${latest} 到 ${earliest} 秒到来，` +
      `可以购买之后 ${least} 到 ${most} 秒按下按钮；${scripts} 个脚本从开售前一秒起，每次得到回答 ${SCRIPT_MS.again} 毫秒后再发一次；` +
      `以上每个都有自己的老账户和地址。农场有 ${farm} 个当天注册的账户，同在一个地址。工作量在没有风险时为 ` +
      `${grouped(tries)} 次尝试，时间是模拟的：手机每秒 ${speed.people} 次，脚本 ${grouped(speed.scripts)} 次，农场 ` +
      `${grouped(speed.farm)} 次，从开售前 ${leadSeconds} 秒开始。等候室每秒放行 ${perSecond} 人。` +
      `按地址和买家的限制为默认值。${date} 的一次 \`npm run loadtest -- opening\`：${machine}。`,
  }
}

const grouped = (value: number) => value.toLocaleString('en-US')
