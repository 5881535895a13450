import { clock, quantile, secondsIn } from '../frame/figures.ts'
import type { Verdict, Words } from '../frame/lab.ts'
import { ALLOWED, inSecondUntil, isTooMany, type Step } from './history.ts'

/** So many of all requests are never refused one after the other while tokens come: five come for one token. */
const REFUSED_SHARE = 0.5

/** The rate is kept, every request gets an answer, and tokens do not run out. */
export function judge(history: Step[]): Verdict {
  const requests = history.filter(({ request }) => request !== undefined)
  const admitted = requests.filter(({ did }) => did === 'ADMITTED')
  const inSecond = admitted.map((step, i) => inSecondUntil(step, admitted.slice(0, i + 1)))
  const silent = requests.filter(({ did }) => did === 'NO_ANSWER')
  const answered = requests.filter(({ did }) => did !== 'NO_ANSWER')
  const figures = {
    perSecond: admitted.length / secondsIn(requests),
    mostInSecond: Math.max(0, ...inSecond),
    silent: silent.length,
    decisionUs:
      1_000 *
      quantile(
        answered.map(({ tookMs = 0 }) => tookMs),
        0.5,
      ),
  }
  const [firstSilent] = silent
  const tooMany = admitted[inSecond.findIndex(isTooMany)]
  const refused = longestRefusal(requests)
  const [first] = refused
  if (firstSilent) return { holds: false, figures, says: silentSentence(firstSilent, silent.length, history) }
  if (tooMany) return { holds: false, figures, says: tooManySentence(tooMany, Math.max(...inSecond)) }
  if (first && refused.length > requests.length * REFUSED_SHARE)
    return { holds: false, figures, says: refusedSentence(first, refused.length, history) }
  return {
    holds: true,
    figures,
    says: {
      en:
        `of ${requests.length} requests ${admitted.length} were admitted, at most ${figures.mostInSecond} in a ` +
        'second; every one got an answer',
      zh: `${requests.length} 个请求里放行了 ${admitted.length} 个，任何一秒内最多 ${figures.mostInSecond} 个；每个都得到了回答`,
    },
  }
}

export function admittedPer100Ms(history: Step[]): [second: number, count: number][] {
  const requests = history.filter(({ request }) => request !== undefined)
  const [began, ended] = [Math.min(...requests.map(({ at }) => at)), Math.max(...requests.map(({ at }) => at))]
  return Array.from({ length: Math.ceil((ended - began) / 100) }, (_, i) => {
    const from = began + i * 100
    const count = requests.filter(({ did, at }) => did === 'ADMITTED' && at >= from && at < from + 100).length
    return [i / 10, count]
  })
}

export function admittedAfterDeath(history: Step[]): number {
  const died = history.findIndex(({ did }) => did === 'GENERATOR_DIED')
  return history.slice(died).filter(({ did }) => did === 'ADMITTED').length
}

/** The most requests that were refused one after the other. */
function longestRefusal(requests: Step[]): Step[] {
  let [longest, current]: [Step[], Step[]] = [[], []]
  for (const step of requests) {
    current = step.did === 'REFUSED' ? [...current, step] : []
    if (current.length > longest.length) longest = current
  }
  return longest
}

function silentSentence({ request, at }: Step, count: number, history: Step[]): Words {
  const killed = history.find(({ did }) => did === 'BROKER_KILLED')
  const because = killed ? clock(killed.at) : undefined
  return {
    en:
      `request ${request} got no answer at ${clock(at)}` +
      (because ? `: the broker with the tokens was killed at ${because}` : '') +
      `; ${count} requests could be neither admitted nor refused`,
    zh: `请求 ${request} 在 ${clock(at)} 没有得到回答${because ? `：存令牌的服务器在 ${because} 被杀` : ''}；共 ${count} 个请求既不能放行也不能拒绝`,
  }
}

function tooManySentence({ request, at }: Step, most: number): Words {
  return {
    en:
      `request ${request} was admitted at ${clock(at)} although the limit for a second was reached; there were up to ` +
      `${most} in a second, and ${ALLOWED} are allowed`,
    zh: `请求 ${request} 在 ${clock(at)} 被放行，可这一秒的限额已满；一秒内最多放行了 ${most} 个，只允许 ${ALLOWED} 个`,
  }
}

function refusedSentence({ request, at }: Step, count: number, history: Step[]): Words {
  const died = history.find(({ did }) => did === 'GENERATOR_DIED')
  const because = died ? clock(died.at) : undefined
  return {
    en:
      `request ${request} was refused at ${clock(at)}, and so were all ${count} from then on, although the limit was ` +
      'not reached' +
      (because ? `: no token has come since the generator died at ${because}` : ''),
    zh: `请求 ${request} 在 ${clock(at)} 被拒绝，此后 ${count} 个全被拒绝，可限额并没有满${because ? `：生成器在 ${because} 死掉以后，再也没有令牌` : ''}`,
  }
}
