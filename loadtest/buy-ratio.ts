import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import autocannon, { type Result } from 'autocannon'

/**
 * Buying, and being told "sold out", as a ratio to a bare Express POST, in interleaved rounds against a running system.
 * Rates of a shared machine drift; ratios of neighbours hold. Raw figures go to loadtest/results/.
 */
const ROUNDS = 3
const SECONDS = 6
const CONNECTIONS = 64
const BUYERS = 60_000
const HELLO_PORT = 3999

const { GATEWAY_URL, CONTROL_ROOM_URL, ADMIN_TOKEN } = process.env
if (!GATEWAY_URL || !CONTROL_ROOM_URL || !ADMIN_TOKEN) {
  console.error('Expected GATEWAY_URL, CONTROL_ROOM_URL and ADMIN_TOKEN: npm start, then  env $(npm run -s urls) npm run buy-ratio')
  process.exit(2)
}

interface Round { hello: number; buy: number; soldOut: number; accepted: number; buyP99Ms: number; soldOutP99Ms: number }

const tokens = await signIn(BUYERS)
const hello = spawn(process.execPath, ['--import', 'tsx', 'loadtest/hello.ts'], { env: { ...process.env, PORT: String(HELLO_PORT) }, stdio: 'inherit' })
process.once('exit', () => hello.kill())
await delay(1_500)
const rounds: Round[] = []
for (let i = 0; i < ROUNDS; i++) {
  const bare = await run({ url: `http://127.0.0.1:${HELLO_PORT}/hello`, headers: { 'content-type': 'application/json' }, body: '{"quantity":1}' })
  const buying = await run(purchases(await createSale(10_000_000)))
  const refusing = await run(purchases(await soldOutSale()))
  rounds.push({
    hello: bare.requests.average, buy: buying.requests.average, soldOut: refusing.requests.average,
    accepted: buying['2xx'], buyP99Ms: buying.latency.p99, soldOutP99Ms: refusing.latency.p99,
  })
  console.table(rounds)
}
hello.kill()
const ratio = (of: (round: Round) => number) => Number(median(rounds.map(of)).toFixed(2))
const summary = { buyToHello: ratio((round) => round.buy / round.hello), soldOutToHello: ratio((round) => round.soldOut / round.hello), buyP99Ms: ratio((round) => round.buyP99Ms) }
console.log(summary)
mkdirSync('loadtest/results', { recursive: true })
const file = `loadtest/results/buy-ratio-${new Date().toISOString().replaceAll(':', '')}.json`
writeFileSync(file, JSON.stringify({ at: new Date(), node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, connections: CONNECTIONS, seconds: SECONDS, rounds, summary }, null, 2))
console.log(`Raw figures: ${file}`)

async function run(options: autocannon.Options): Promise<Result> {
  return autocannon({ connections: CONNECTIONS, duration: SECONDS, method: 'POST', ...options })
}

/** A new buyer with every request. */
function purchases(saleId: string): autocannon.Options {
  let next = 0
  return {
    url: `${GATEWAY_URL}/sales/${saleId}/reservations`,
    requests: [{
      method: 'POST', body: '{"quantity":1}',
      setupRequest: (request) => ({
        ...request, headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens[next++ % tokens.length]}` },
      }),
    }],
  }
}

async function createSale(stock: number): Promise<string> {
  const id = `ratio-${Date.now().toString(36)}`
  const answer = await post(`${CONTROL_ROOM_URL}/sales`, {
    id, title: 'Load', priceCents: 100, stock, opensAt: new Date(Date.now() - 1_000), closesAt: new Date(Date.now() + 3_600_000),
  }, ADMIN_TOKEN)
  if (answer.status !== 201) throw new Error(`No sale: ${answer.status} ${await answer.text()}`)
  return id
}

async function soldOutSale(): Promise<string> {
  const saleId = await createSale(1)
  await post(`${GATEWAY_URL}/sales/${saleId}/reservations`, {}, tokens.at(-1))
  return saleId
}

async function signIn(count: number): Promise<string[]> {
  console.log(`Signing ${count} buyers in …`)
  const signed: string[] = []
  let next = 0
  const lane = async () => {
    while (next < count) {
      const answer = await post(`${GATEWAY_URL}/sessions`, { name: `load ${next++}` })
      signed.push((await answer.json() as { token: string }).token)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  return signed
}

async function post(url: string, body: object, token?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
  })
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}
