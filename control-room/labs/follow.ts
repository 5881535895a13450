import type { LabEvent, LabRunView } from '../../core/contracts/labs.ts'

/** Adds what a lab has printed to what the page is shown of it. */
export function follow(run: LabRunView, event: LabEvent): void {
  const side = 'id' in event ? run.sides.find(({ id }) => id === event.id) : undefined
  switch (event.type) {
    case 'side':
      run.sides.push({ ...event.side, entries: 0, latest: '', verdict: null })
      break
    case 'entries':
      if (side) Object.assign(side, { entries: event.entries, latest: event.latest })
      break
    case 'verdict':
      if (side) side.verdict = event.verdict
      break
    case 'done':
      run.result = event
  }
}
