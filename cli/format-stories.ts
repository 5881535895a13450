import type { Said, StoryView } from '../core/contracts/control-room.ts'

/** The stories for a person: each step with its time, how long after the first it came, and whose work it was. */
export function formatStories(stories: StoryView[], language: keyof Said): string {
  return stories.map((story) => formatStory(story, language)).join('\n\n')
}

const TRACE = { en: 'Trace', zh: '追踪' }
const FAILED = { en: 'failed', zh: '失败' }

function formatStory({ reservationId, buyerId, steps, trace }: StoryView, language: keyof Said): string {
  const beganMs = Date.parse(steps[0]?.at ?? '')
  const line = (at: string, service: string, text: string) => {
    const after = `+${((Date.parse(at) - beganMs) / 1_000).toFixed(3)} s`
    return `  ${at}  ${after.padStart(12)}  ${service.padEnd(16)}  ${text}`
  }
  return [
    `${reservationId} · ${buyerId}`,
    ...steps.map(({ at, service, says }) => line(at, service, says[language])),
    ...(trace ? [` ${TRACE[language]} ${trace.id}`] : []),
    ...(trace?.spans ?? []).map(({ at, service, name, ms, failed, depth }) =>
      line(at, service, `${'  '.repeat(depth)}${name} (${ms.toFixed(1)} ms${failed ? `, ${FAILED[language]}` : ''})`),
    ),
  ].join('\n')
}
