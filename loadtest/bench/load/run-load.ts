import { setTimeout as delay } from 'node:timers/promises'
import type { Buyers } from './buyers.ts'
import { Lanes, type OpenLane } from './lanes.ts'
import { noCounts } from './outcomes.ts'
import type { LoadPlan, LoadResult, Sample } from './plan.ts'
import { closedSchedule, openSchedule } from './schedule.ts'
import { Tally } from './tally.ts'

/** After the run's time: answers that are still to come. */
const STRAGGLERS_LIMIT_MS = 15_000
/** The open model's clock. Answers look at the schedule, too, so that a busy run is more punctual than this. */
const TICK_MS = 1

export interface LoadDeps {
  buyers: Buyers
  /** How a connection of this kind is made. */
  openLane: OpenLane
  onSample?: (sample: Sample) => void
}

/** Runs one plan to its end. */
export async function runLoad(plan: LoadPlan, { buyers, openLane, onSample }: LoadDeps): Promise<LoadResult> {
  const schedule =
    plan.mode === 'closed' ? closedSchedule(plan.seconds) : openSchedule(plan.seconds, plan.ratePerSecond ?? 0)
  const tally = new Tally(schedule.endsAtMs)
  const sampleEvery = plan.samplesPerSecond && Math.ceil((plan.ratePerSecond ?? 0) / plan.samplesPerSecond)
  const buyerOf = (request: number) => plan.firstBuyer + (plan.buyers === undefined ? request : request % plan.buyers)
  let sent = 0
  let startedAt = 0
  let over = false
  const sinceStart = () => performance.now() - startedAt

  const lanes = new Lanes({
    openLane,
    max: Math.max(plan.connections, plan.connectionsMax),
    onFree: sendDue,
    onAnswer({ sinceMs, request }, status, body) {
      const outcome = tally.answered(status, sinceStart(), sinceMs)
      if (!sampleEvery || request % sampleEvery !== 0 || outcome !== 'accepted') return
      const { id } = JSON.parse(body()) as { id: string }
      onSample?.({ reservationId: id, token: buyers.token(buyerOf(request)), acceptedAtMs: Date.now() })
    },
  })

  function sendDue(): void {
    if (over) return
    const nowMs = sinceStart()
    while (lanes.hasFree()) {
      const sinceMs = schedule.take(nowMs)
      if (sinceMs === undefined) return
      const request = sent++
      lanes.send({ sinceMs, request }, buyers.token(buyerOf(request)))
    }
    if (lanes.isReady) lanes.grow(schedule.waiting(nowMs))
  }

  await lanes.open(plan.connections)
  const startedAtMs = Date.now()
  startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  sendDue()
  const timer = plan.mode === 'open' ? setInterval(sendDue, TICK_MS) : undefined
  await delay(schedule.endsAtMs)
  sendDue() // What the last tick left; from here on nothing is sent any more.
  over = true
  clearInterval(timer)
  const { user, system } = process.cpuUsage(cpuBefore)
  const elapsedMs = sinceStart()
  await lanes.settled(STRAGGLERS_LIMIT_MS)
  lanes.close()

  const cpuMicros = user + system
  return {
    plan,
    startedAtMs,
    sent,
    unsent: schedule.waiting(elapsedMs),
    unanswered: sent - Object.values(tally.all).reduce((sum, count) => sum + count, 0),
    outcomes: tally.all,
    perSecond: tally.perSecond(),
    statuses: tally.statuses,
    latencyMs: tally.latencyMs(),
    timeline: Array.from(tally.timeline, (counts) => counts ?? noCounts()),
    connectionsUsed: lanes.count,
    nextBuyer: plan.buyers === undefined ? plan.firstBuyer + sent : plan.firstBuyer,
    cpu: { microsPerRequest: cpuMicros / Math.max(1, sent), shareOfOneCore: cpuMicros / (elapsedMs * 1_000) },
    failures: lanes.failures,
  }
}
