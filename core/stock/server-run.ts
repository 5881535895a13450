import type { Redis } from 'ioredis'

const asked = new WeakMap<Redis, Promise<string>>()
const watched = new WeakSet<Redis>()

/**
 * The run id of the server that a connection leads to: another with every start of a server, with every replica that
 * takes over, and with every server put in its place. That makes it the one thing about Redis that an older copy of its
 * data cannot bring back. Asked once per connection.
 * @throws when Redis does not answer.
 */
export async function serverRunId(redis: Redis): Promise<string> {
  if (!watched.has(redis)) {
    watched.add(redis)
    redis.on('close', () => asked.delete(redis))
  }
  const known = asked.get(redis) ?? ask(redis)
  asked.set(redis, known)
  try {
    return await known
  } catch (error) {
    if (asked.get(redis) === known) asked.delete(redis)
    throw error
  }
}

async function ask(redis: Redis): Promise<string> {
  const id = /^run_id:(\w+)/m.exec(await redis.info('server'))?.[1]
  if (id === undefined) throw new Error('INFO server: expected a run_id; is this Redis, and may this user ask?')
  return id
}
