import { setTimeout as sleep } from 'node:timers/promises'
import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import type { Place } from '../frame/place.ts'

export interface Entry {
  buyer: number
  what: 'CAME' | 'REFUSED' | 'DONE'
  at: number
  /** Buyers in the line when this one came. */
  line?: number
  /** What this buyer was told then: by Little's law, the length of the line over the rate at which it is worked off. */
  etaMs?: number
  waitedMs?: number
}

/** Of 5,000 that come and 2,000 that are handled; what this machine does decides how many that are. */
const COMING_TO_HANDLED = 5 / 2
/** The whole takes 2.5 times as long: the story's 10 s would be 25 s. */
export const RUSH_SECONDS = 4
const QUEUE = 'rush'

/** Takes an order, or refuses it. */
type Take = (buyer: number) => Promise<boolean>

interface Rush {
  place: Place<Entry>
  /** What the order service handles in a second. */
  perSecond: number
}

/** Without a queue: the order service has room for what it handles in a tenth of a second, and refuses the rest. */
export async function withoutQueue(place: Place<Entry>): Promise<void> {
  const perSecond = await ratePerSecond(place)
  const room = Math.ceil(perSecond / 10)
  const handled = pace(place, perSecond)
  const waiting = new Set<Promise<void>>()
  await letThemCome({ place, perSecond }, (told) => async (buyer) => {
    if (waiting.size >= room) return false
    const handling = handled().then(() => told.done(buyer))
    waiting.add(handling)
    void handling.finally(() => waiting.delete(handling))
    return true
  })
  await Promise.all(waiting)
}

/** With a queue: the broker takes every order at once; the order service fetches them at its own rate. */
export async function withQueue(place: Place<Entry>): Promise<void> {
  const perSecond = await ratePerSecond(place)
  const channel = await place.broker.createConfirmChannel()
  await channel.assertQueue(QUEUE)
  await channel.prefetch(1)
  const handled = pace(place, perSecond)
  const rush = { place, perSecond }
  const told = await letThemCome(rush, async (tell) => {
    const handle = async (message: ConsumeMessage) => {
      await handled()
      channel.ack(message)
      tell.done(Number(message.content.toString()))
    }
    await channel.consume(QUEUE, (message) => {
      if (message) void handle(message)
    })
    return async (buyer) => {
      await publish(channel, buyer)
      return true
    }
  })
  while (told.inLine() > 0) await sleep(20)
}

interface Told {
  done(buyer: number): void
  inLine(): number
}

/** Buyers come at their own rate, however long the line is. */
async function letThemCome({ place, perSecond }: Rush, takeWith: (told: Told) => Promise<Take> | Take): Promise<Told> {
  const cameAt = new Map<number, number>()
  const told: Told = {
    inLine: () => cameAt.size,
    done(buyer) {
      const at = place.now()
      place.record({ buyer, what: 'DONE', at, waitedMs: at - (cameAt.get(buyer) ?? at) })
      cameAt.delete(buyer)
    },
  }
  const take = await takeWith(told)
  const buyers = Math.round(perSecond * COMING_TO_HANDLED * place.amount(RUSH_SECONDS, 0.4))
  const comes = pace(place, perSecond * COMING_TO_HANDLED)
  const taking: Promise<void>[] = []
  for (let buyer = 1; buyer <= buyers; buyer++) {
    await comes()
    const [at, line] = [place.now(), cameAt.size]
    place.record({ buyer, what: 'CAME', at, line, etaMs: (line / perSecond) * 1_000 })
    cameAt.set(buyer, at)
    const takeOrRefuse = async () => {
      if (await take(buyer)) return
      cameAt.delete(buyer)
      place.record({ buyer, what: 'REFUSED', at: place.now() })
    }
    taking.push(takeOrRefuse())
  }
  await Promise.all(taking)
  return told
}

/** @returns a function that resolves so often a second; what it was late by it makes up for. */
function pace({ now }: Place<Entry>, perSecond: number): () => Promise<void> {
  let due = 0
  return async () => {
    due = Math.max(due, now() - 100) + 1_000 / perSecond
    const earlyMs = due - now()
    if (earlyMs > 1) await sleep(earlyMs)
  }
}

const SHARE = 0.05
const HANDLED = { least: 40, most: 400 }

/** A rate that is easy for this machine's broker and for us: a share of what the broker confirms in a burst. */
async function ratePerSecond({ broker, now, amount }: Place<Entry>): Promise<number> {
  const channel = await broker.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  const [count, began] = [amount(1_000, 100), now()]
  for (let i = 0; i < count; i++) channel.sendToQueue(queue, Buffer.from('x'))
  await channel.waitForConfirms()
  await channel.close()
  const perSecond = (count / (now() - began)) * 1_000 * SHARE
  return Math.round(Math.min(HANDLED.most, Math.max(HANDLED.least, perSecond)) / 20) * 20
}

/** @returns whether the broker has taken it */
export function publish(channel: ConfirmChannel, buyer: number, queue = QUEUE): Promise<boolean> {
  return new Promise((resolve) => {
    channel.sendToQueue(queue, Buffer.from(String(buyer)), { persistent: true }, (refused) => resolve(!refused))
  })
}
