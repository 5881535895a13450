import type { Property } from '../frame/lab.ts'
import type { Place } from '../frame/place.ts'
import type * as Work from './exercise.ts'
import { publish } from './rush.ts'

const CASES = [
  { perSecond: 60, secondsMax: 5 },
  { perSecond: 200, secondsMax: 2 },
]

/** Fills a real queue of that length, and reckons for each buyer how long those ahead take. */
export async function check(place: Place<object>, { queueLengthMax }: typeof Work): Promise<Property[]> {
  const tooLong: string[][] = []
  const tooShort: string[][] = []
  for (const { perSecond, secondsMax } of CASES) {
    const room = perSecond * secondsMax
    const accepted = await fill(place, queueLengthMax(perSecond, secondsMax), room + 50)
    const waits = (accepted / perSecond).toFixed(1)
    const which = [String(perSecond), String(secondsMax), String(accepted), waits]
    if (accepted > room) tooLong.push(which)
    if (accepted < room) tooShort.push(which)
  }
  const [[rate, most, place1, waits] = []] = tooLong
  const [[rate2, most2, place2, waits2] = []] = tooShort
  return [
    {
      name: { en: 'no accepted buyer waits too long', zh: '接受的买家都等得起' },
      holds: tooLong.length === 0,
      says: {
        en: `at ${rate} a second, ${most} s at most: buyer ${place1} was accepted, and waits ${waits} s`,
        zh: `每秒 ${rate} 笔，最多 ${most} 秒：买家 ${place1} 被接受，却要等 ${waits} 秒`,
      },
    },
    {
      name: { en: 'no buyer is refused without need', zh: '等得起的买家都不拒绝' },
      holds: tooShort.length === 0,
      says: {
        en:
          `at ${rate2} a second, ${most2} s at most: buyer ${Number(place2) + 1} was refused, although the ${place2} ` +
          `ahead take only ${waits2} s`,
        zh: `每秒 ${rate2} 笔，最多 ${most2} 秒：买家 ${Number(place2) + 1} 被拒绝，可前面 ${place2} 人只要 ${waits2} 秒`,
      },
    },
  ]
}

/** @returns how many of `buyers` a queue of this length takes */
async function fill({ broker }: Place<object>, length: number, buyers: number): Promise<number> {
  const channel = await broker.createConfirmChannel()
  const { queue } = await channel.assertQueue('', {
    exclusive: true,
    arguments: { 'x-max-length': Math.round(length), 'x-overflow': 'reject-publish' },
  })
  let accepted = 0
  for (let buyer = 1; buyer <= buyers; buyer++) if (await publish(channel, buyer, queue)) accepted += 1
  await channel.deleteQueue(queue)
  return accepted
}
