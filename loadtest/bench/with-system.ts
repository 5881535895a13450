import { startGenerator } from './generator.ts'
import { shardsOn, startMasters } from './masters.ts'
import type { Bench } from './measure.ts'
import { NaiveShop } from './naive-shop.ts'
import { startProgram } from './program.ts'
import type { BenchOptions } from './results.ts'
import { startServers } from './servers.ts'
import { Shop } from './shop.ts'
import { startSystem } from './system.ts'
import { startTraceSink } from './trace-sink.ts'

/** Starts everything that a bench needs in a scratch folder, and stops it again, also after a failure. */
export async function withSystem<Result>(
  options: BenchOptions,
  { gatewayArgs, signal }: { gatewayArgs?: string[]; signal?: AbortSignal },
  work: (bench: Bench, naive: NaiveShop) => Promise<Result>,
): Promise<Result> {
  const opened: (() => Promise<void> | void)[] = []
  try {
    console.error('starting PostgreSQL, Redis, RabbitMQ, the services, the yardsticks …')
    const servers = await startServers()
    opened.push(servers.stop)
    const { masters } = options
    const more = {
      ...(await tracing(options, opened)),
      ...(masters !== undefined && { REDIS_URL: await startMasters(masters, servers) }),
    }
    const system = await startSystem(servers, gatewayArgs, more)
    opened.push(system.stop)
    const shop = new Shop(system, masters === undefined ? 1 : shardsOn(masters), signal)
    opened.push(() => shop.close())
    const naive = await NaiveShop.open(system)
    opened.push(() => naive.close())
    const yardstick = (name: 'plain' | 'hello') => {
      const env = { PATH: process.env.PATH ?? '', NODE_ENV: 'production', YARDSTICK: name }
      return startProgram(servers, { name, file: 'loadtest/bench/yardstick.ts', env })
    }
    const yardsticks = { plain: await yardstick('plain'), hello: await yardstick('hello') }
    const generator = startGenerator(system.env.TOKEN_SECRET ?? '')
    opened.push(() => generator.stop())
    return await work({ options, system, shop, generator, yardsticks, unexpected: [] }, naive)
  } finally {
    for (const close of opened.toReversed()) await close()
  }
}

async function tracing(
  { traces }: BenchOptions,
  opened: (() => Promise<void> | void)[],
): Promise<Record<string, string>> {
  if (traces === undefined) return {}
  const sink = await startTraceSink()
  opened.push(sink.stop)
  return { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, TRACE_SAMPLE_RATE: String(traces) }
}
