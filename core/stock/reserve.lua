-- Sets units aside for a buyer. Every check comes before the first write that concerns stock.
--
-- KEYS[1] sale            hash, see load.lua
-- KEYS[2] blacklist       set of buyer ids
-- KEYS[3] buyer bucket    string: theoretical arrival time in ms (GCRA)
-- KEYS[4] address bucket  string: the same
-- KEYS[5] buyer           string: id of the reservation the buyer holds
-- KEYS[6] reservation     hash, written here
-- KEYS[7] pending         stream: not confirmed by the broker yet
-- KEYS[8] undecided       sorted set by time: neither order nor rejected yet
-- KEYS[9] holders         bit string: who may hold a reservation, see holders.ts
--
-- ARGV[1] epoch the caller knows
-- ARGV[2] reservation id
-- ARGV[3] buyer id
-- ARGV[4] quantity
-- ARGV[5] buyer bucket: ms per token
-- ARGV[6] buyer bucket: burst
-- ARGV[7] address bucket: ms per token
-- ARGV[8] address bucket: burst
-- ARGV[9] most pending entries
-- ARGV[10] time in ms, by Redis' clock, after which the caller has stopped waiting
-- ARGV[11] first of the buyer's bits among the holders
-- ARGV[12] second of them
--
-- Returns {status, value, value}:
--   RESERVED      now in ms, id of the pending entry
--   DUPLICATE     id of the reservation the buyer already holds
--   SOLD_OUT      units left (fewer than asked for)
--   RATE_LIMITED  ms until a token is there
--   NOT_STARTED   now in ms, start in ms
--   ENDED         now in ms
--   OVER_LIMIT    units one buyer may have
--   BLACKLISTED, BUSY, UNAVAILABLE (no such data, of another epoch, or run too late)

local sale = redis.call('HMGET', KEYS[1], 'epoch', 'stock', 'opens_at_ms', 'closes_at_ms', 'per_buyer_limit', 'expires_at_ms')
if sale[1] ~= ARGV[1] then return { 'UNAVAILABLE' } end

local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local now_ms = string.format('%d', now)
-- A Redis that was paused runs what piled up meanwhile; those buyers have long been told to come back.
if now > tonumber(ARGV[10]) then return { 'UNAVAILABLE' } end
if now < tonumber(sale[3]) then return { 'NOT_STARTED', now_ms, sale[3] } end
if now >= tonumber(sale[4]) then return { 'ENDED', now_ms } end
if redis.call('SISMEMBER', KEYS[2], ARGV[3]) == 1 then return { 'BLACKLISTED' } end

-- A token bucket as one number: the time at which the bucket would be full again (generic cell rate algorithm).
local function full_again_at(bucket, interval, burst)
  local at = math.max(tonumber(redis.call('GET', bucket) or 0), now) + interval
  return at, at - interval * burst - now
end
local buyer_at, buyer_wait = full_again_at(KEYS[3], tonumber(ARGV[5]), tonumber(ARGV[6]))
local address_at, address_wait = full_again_at(KEYS[4], tonumber(ARGV[7]), tonumber(ARGV[8]))
local wait = math.max(buyer_wait, address_wait)
if wait > 0 then return { 'RATE_LIMITED', string.format('%d', math.ceil(wait)) } end
redis.call('SET', KEYS[3], string.format('%.3f', buyer_at), 'PX', math.ceil(buyer_at - now))
redis.call('SET', KEYS[4], string.format('%.3f', address_at), 'PX', math.ceil(address_at - now))

local earlier = redis.call('GET', KEYS[5])
if earlier then return { 'DUPLICATE', earlier } end
local quantity = tonumber(ARGV[4])
if quantity > tonumber(sale[5]) then return { 'OVER_LIMIT', sale[5] } end
if tonumber(sale[2]) < quantity then return { 'SOLD_OUT', sale[2] } end
local waiting = redis.call('XLEN', KEYS[7])
if waiting >= tonumber(ARGV[9]) then return { 'BUSY' } end

redis.call('HINCRBY', KEYS[1], 'stock', -quantity)
redis.call('SET', KEYS[5], ARGV[2], 'PXAT', sale[6])
redis.call('HSET', KEYS[6], 'status', 'RESERVED', 'buyer_id', ARGV[3], 'quantity', ARGV[4], 'epoch', ARGV[1], 'reserved_at_ms', now_ms)
redis.call('PEXPIREAT', KEYS[6], sale[6])
redis.call('ZADD', KEYS[8], now_ms, ARGV[2])
redis.call('SETBIT', KEYS[9], ARGV[11], 1)
redis.call('SETBIT', KEYS[9], ARGV[12], 1)
local entry = redis.call('XADD', KEYS[7], '*', 'reservation_id', ARGV[2], 'buyer_id', ARGV[3], 'quantity', ARGV[4], 'epoch', ARGV[1], 'reserved_at_ms', now_ms)
-- The first one of all comes by here, and after it whoever finds the line empty.
if waiting == 0 then
  redis.call('PEXPIREAT', KEYS[7], sale[6])
  redis.call('PEXPIREAT', KEYS[8], sale[6])
  redis.call('PEXPIREAT', KEYS[9], sale[6])
end
return { 'RESERVED', now_ms, entry }
