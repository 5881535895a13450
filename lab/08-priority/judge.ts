import { groupBy } from '../../core/platform/batches/divide.ts'
import { clock } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import type { Step } from './serve.ts'

/** While a member waits, at most one other buyer is served for so many members, */
const SHARE = 4
/** and so many besides, who were in the worker's hands already. */
const SLACK = 4
/** While another buyer waits, at most so many members are served one after the other. */
const IN_A_ROW = 40

interface Buyer {
  buyer: number
  isMember: boolean
  came: Step
  served: Step | undefined
  /** In turns; until the end of the lab when they were not served. */
  wait: number
  /** Others who were served while they waited. */
  others: number
  membersInARow: number
}

/** Members come first, and the others come, too. */
export function judge(history: Step[]): Verdict {
  const buyers = [...groupBy(history, ({ load }) => load).values()].flatMap(buyersIn)
  const figures = Object.fromEntries(
    [0.8, 1, 1.5].flatMap((load) => [
      ...meanWait(`members${load}`, buyers, (each) => each.isMember && each.came.load === load),
      ...meanWait(`others${load}`, buyers, (each) => !each.isMember && each.came.load === load),
    ]),
  )
  const members = buyers.filter(({ isMember }) => isMember)
  const others = buyers.filter(({ isMember }) => !isMember)
  const [passedOver] = members
    .filter((member) => excess(member) > SLACK)
    .toSorted((one, other) => excess(other) - excess(one))
  const [starved] = others
    .filter(({ membersInARow }) => membersInARow > IN_A_ROW)
    .toSorted((one, other) => other.membersInARow - one.membersInARow)
  if (passedOver) return { holds: false, figures, says: passedOverSentence(passedOver) }
  if (starved) return { holds: false, figures, says: starvedSentence(starved) }
  const longest = Math.max(0, ...others.map(({ membersInARow }) => membersInARow))
  return {
    holds: true,
    figures,
    says: {
      en:
        `no member of ${members.length} waited for more than 1 other buyer per ${SHARE} members, and none of ` +
        `${others.length} others for more than ${longest} members in a row`,
      zh: `${members.length} 位会员等待时，每服务 ${SHARE} 位会员最多穿插 1 位普通买家；${others.length} 位普通买家等待时，最多连着服务 ${longest} 位会员`,
    },
  }
}

const excess = ({ others, wait }: Buyer) => others - (wait - others) / SHARE

function buyersIn(steps: Step[]): Buyer[] {
  const end = Math.max(...steps.map(({ turn }) => turn))
  const servings = steps.filter(({ did }) => did === 'SERVED')
  const servedOf = new Map(servings.map((step) => [step.buyer, step]))
  return steps
    .filter(({ did }) => did === 'CAME')
    .map((came) => {
      const served = servedOf.get(came.buyer)
      const until = served?.turn ?? end + 1
      const meanwhile = servings.filter(({ turn }) => turn >= came.turn && turn < until)
      let row = 0
      const rows = meanwhile.map(({ isMember }) => (row = isMember ? row + 1 : 0))
      return {
        buyer: came.buyer,
        isMember: came.isMember,
        came,
        served,
        wait: until - came.turn,
        others: meanwhile.filter(({ isMember }) => !isMember).length,
        membersInARow: Math.max(0, ...rows),
      }
    })
}

/** An entry of the figures; none without such buyers. */
function meanWait(name: string, buyers: Buyer[], isMeant: (buyer: Buyer) => boolean): [string, number][] {
  const waits = buyers.filter(isMeant).map(({ wait }) => wait)
  return waits.length === 0 ? [] : [[name, waits.reduce((sum, each) => sum + each, 0) / waits.length]]
}

function passedOverSentence({ buyer, came, served, others, wait }: Buyer): Words {
  const [from, to] = [clock(came.at), served ? clock(served.at) : undefined]
  return {
    en:
      `member ${buyer} came at ${from} and ${to ? `was served at ${to}` : 'was not served'}, ${wait} turns later: ` +
      `${others} of those who were served meanwhile are no members`,
    zh: `会员 ${buyer} 在 ${from} 到，${to ? `${to} 才轮到` : '一直没轮到'}，等了 ${wait} 轮：这期间服务的人里有 ${others} 位不是会员`,
  }
}

function starvedSentence({ buyer, came, served, membersInARow }: Buyer): Words {
  const [from, to] = [clock(came.at), served ? clock(served.at) : undefined]
  return {
    en:
      `buyer ${buyer}, who is no member, came at ${from} and ` +
      `${to ? `was served only at ${to}` : 'was never served'}: ${membersInARow} members in a row were served ` +
      'meanwhile',
    zh: `普通买家 ${buyer} 在 ${from} 到，${to ? `${to} 才轮到` : '一直没轮到'}：这期间连着服务了 ${membersInARow} 位会员`,
  }
}
