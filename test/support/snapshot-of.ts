import type { World } from './world.ts'

const SNAPSHOT = `
  local ignored = { reconciled_at_ms = true }
  local function untimed(value) return (string.gsub(value, '\\t%d%d%d%d%d%d%d%d%d%d%d%d%d', '\\ttime')) end
  local read = {
    string = function (key) return redis.call('GET', key) end,
    set = function (key) local members = redis.call('SMEMBERS', key) table.sort(members) return members end,
    zset = function (key) local members = redis.call('ZRANGE', key, 0, -1) table.sort(members) return members end,
    hash = function (key)
      local flat, fields = redis.call('HGETALL', key), {}
      for i = 1, #flat, 2 do
        if not ignored[flat[i]] then fields[#fields + 1] = flat[i] .. ' ' .. untimed(flat[i + 1]) end
      end
      table.sort(fields)
      return fields
    end,
  }
  local keys, all = redis.call('KEYS', ARGV[1]), {}
  table.sort(keys)
  for _, key in ipairs(keys) do
    if not string.find(key, ':marks:', 1, true) then
      local expiry = redis.call('PTTL', key) > 0 and 'expires' or 'stays'
      all[#all + 1] = { key, read[redis.call('TYPE', key).ok](key), expiry }
    end
  end
  all[#all + 1] = { 'listed', redis.call('ZSCORE', ARGV[2], ARGV[3]) and true }
  return cjson.encode(all)`

/** The keys of a sale in Redis without token buckets and times, to compare with another sale's. */
export async function snapshotOf({ redis, keyPrefix }: World, saleId: string): Promise<unknown> {
  const snapshot = await redis.eval(SNAPSHOT, 0, `${keyPrefix}{${saleId}}:*`, `${keyPrefix}sales`, saleId)
  return JSON.parse(String(snapshot).replaceAll(saleId, 'sale'))
}
