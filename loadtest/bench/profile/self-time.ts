/** As much of V8's CPU profile as is read here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

export interface SelfTime {
  name: string
  share: number
}

/** Names V8 gives to what is no function. Idle is no work. */
const IDLE = '(idle)'

/** Where the CPU was, by function and by file (a package counts as one), as shares of the time it was busy. */
export function selfTimes(profile: CpuProfile): { functions: SelfTime[]; files: SelfTime[] } {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const functions = new Map<string, number>()
  const files = new Map<string, number>()
  let busy = 0
  profile.samples.forEach((id, i) => {
    const frame = frames.get(id)
    const micros = profile.timeDeltas[i] ?? 0
    if (!frame || frame.functionName === IDLE) return
    busy += micros
    const file = shortFile(frame.url)
    const name = `${frame.functionName || '(anonymous)'}${file ? ` (${file})` : ''}`
    functions.set(name, (functions.get(name) ?? 0) + micros)
    const owner = file || frame.functionName
    files.set(owner, (files.get(owner) ?? 0) + micros)
  })
  return { functions: shares(functions, busy), files: shares(files, busy) }
}

/** `core/stock/stock.ts`, `npm: ioredis`, `node:net`; empty for V8's own. */
export function shortFile(url: string): string {
  const [, inPackages] = url.split(/.*\/node_modules\//)
  if (inPackages !== undefined)
    return `npm: ${inPackages
      .split('/')
      .slice(0, inPackages.startsWith('@') ? 2 : 1)
      .join('/')}`
  if (!url.startsWith('file:')) return url
  const checkout = new URL('../../..', import.meta.url).href
  return url.startsWith(checkout) ? (url.slice(checkout.length).split('?')[0] ?? '') : url
}

function shares(micros: Map<string, number>, busy: number): SelfTime[] {
  return [...micros].map(([name, value]) => ({ name, share: value / busy })).toSorted((a, b) => b.share - a.share)
}
