import type { Said, StoryView } from '../core/contracts/control-room.ts'

/** The stories for a person: each step with its time, how long after the first it came, and whose work it was. */
export function formatStories(stories: StoryView[], language: keyof Said): string {
  return stories.map((story) => formatStory(story, language)).join('\n\n')
}

function formatStory({ reservationId, buyerId, steps }: StoryView, language: keyof Said): string {
  const beganMs = Date.parse(steps[0]?.at ?? '')
  const lines = steps.map(({ at, service, says }) => {
    const after = `+${((Date.parse(at) - beganMs) / 1_000).toFixed(3)} s`
    return `  ${at}  ${after.padStart(12)}  ${service.padEnd(16)}  ${says[language]}`
  })
  return [`${reservationId} · ${buyerId}`, ...lines].join('\n')
}
