-- Sets units aside for buyers of one sale, one after the other. For each of them every check comes before the first write
-- that concerns stock. Several in one call, because half of what a call of one costs is the call.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
-- KEYS[3] pending    stream: reservations not confirmed by the broker yet, each with its time
-- KEYS[4] undecided  sorted set by time: neither order nor rejected yet
-- KEYS[5] holders    bit string: who may hold a reservation, see holders.ts
-- KEYS[6] everybody's bucket  string: theoretical arrival time in ms (GCRA)
-- and then for each reservation
--   buyer bucket     string: theoretical arrival time in ms (GCRA)
--   address bucket   string: the same
--   buyer            string: id of the reservation the buyer holds
--   reservation      hash, written here
--
-- ARGV[1] epoch the caller knows
-- ARGV[2] buyer bucket: ms per token
-- ARGV[3] buyer bucket: burst
-- ARGV[4] address bucket: ms per token
-- ARGV[5] address bucket: burst
-- ARGV[6] most pending entries
-- ARGV[7] time in ms, by Redis' clock, after which the caller has stopped waiting
-- ARGV[8] run id of the server, as the caller's connection learned it
-- ARGV[9] everybody's bucket: ms per token, or '' for no such limit
-- ARGV[10] everybody's bucket: burst
-- and then for each reservation: its id, buyer id, quantity, the buyer's bit among the holders, what else is wished (JSON, or '')
--
-- Returns for each reservation {status, value, value}:
--   RESERVED      now in ms, id of the pending entry
--   DUPLICATE     id of the reservation the buyer already holds
--   SOLD_OUT      units left (fewer than asked for)
--   RATE_LIMITED  ms until a token is there
--   CROWDED       the same, of everybody's bucket
--   NOT_STARTED   now in ms, start in ms
--   ENDED         now in ms
--   OVER_LIMIT    units one buyer may have
--   BLACKLISTED, BUSY, UNAVAILABLE (no such data, of another epoch, not known to be right in this run, or run too late)

local sale = redis.call('HMGET', KEYS[1], 'epoch', 'stock', 'opens_at_ms', 'closes_at_ms', 'per_buyer_limit', 'expires_at_ms', 'run_id')
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local now_ms = string.format('%d', now)

-- What holds for everybody.
local function refusal()
  -- A server that started anew may have an older copy of everything, this epoch included; its run id is another.
  if sale[1] ~= ARGV[1] or sale[7] ~= ARGV[8] then return { 'UNAVAILABLE' } end
  -- A Redis that was paused runs what piled up meanwhile; those buyers have long been told to come back.
  if now > tonumber(ARGV[7]) then return { 'UNAVAILABLE' } end
  if now < tonumber(sale[3]) then return { 'NOT_STARTED', now_ms, sale[3] } end
  if now >= tonumber(sale[4]) then return { 'ENDED', now_ms } end
end

-- A mark further ahead than an empty bucket leaves was written while the server's clock ran ahead (a second of leeway, for
-- a clock that is being set): it would refuse everybody behind an address for as long, so it counts as a full bucket.
local function full_at(mark, ms_per_token, burst)
  local at = tonumber(mark or 0)
  if at > now + ms_per_token * burst + 1000 then return now end
  return math.max(at, now)
end

-- A token bucket as one number: the time at which the bucket would be full again (generic cell rate algorithm).
-- Takes a token from both buckets or from none; returns the ms to wait, 0 or less when they were taken.
local function take_tokens(buyer_bucket, address_bucket)
  local marks = redis.call('MGET', buyer_bucket, address_bucket)
  local buyer_at = full_at(marks[1], ARGV[2], ARGV[3]) + ARGV[2]
  local address_at = full_at(marks[2], ARGV[4], ARGV[5]) + ARGV[4]
  local wait = math.max(buyer_at - ARGV[2] * ARGV[3], address_at - ARGV[4] * ARGV[5]) - now
  if wait > 0 then return wait end
  -- A bucket is full again within seconds: neither log nor replicas need it.
  redis.set_repl(redis.REPL_NONE)
  redis.call('SET', buyer_bucket, string.format('%.3f', buyer_at), 'PX', math.ceil(buyer_at - now) + 1)
  redis.call('SET', address_bucket, string.format('%.3f', address_at), 'PX', math.ceil(address_at - now) + 1)
  redis.set_repl(redis.REPL_ALL)
  return wait
end

-- Asks once for the right to every write that concerns stock; in one call the keys differ by buyer only.
local may_write = false
local function require_rights(buyer, reservation)
  if may_write then return end
  require_right('HINCRBY', KEYS[1], 'stock', -1)
  require_right('SET', buyer, '', 'PXAT', sale[6])
  require_right('HSET', reservation, 'status', '')
  require_right('PEXPIREAT', reservation, sale[6])
  require_right('ZADD', KEYS[4], 0, '')
  require_right('SETBIT', KEYS[5], 0, 1)
  require_right('XADD', KEYS[3], '*', 'reservation_id', '')
  may_write = true
end

-- What everybody together may take: charged only to those whom their own buckets let through, so that one who is refused
-- takes nothing from the others. Read and written once for a whole call.
local everybody_at, everybody_took
local function take_from_everybody()
  if ARGV[9] == '' then return 0 end
  everybody_at = everybody_at or full_at(redis.call('GET', KEYS[6]), ARGV[9], ARGV[10])
  local wait = everybody_at + ARGV[9] - ARGV[9] * ARGV[10] - now
  if wait > 0 then return wait end
  everybody_at = everybody_at + ARGV[9]
  everybody_took = true
  return 0
end

local function write_everybody()
  if not everybody_took then return end
  redis.set_repl(redis.REPL_NONE)
  redis.call('SET', KEYS[6], string.format('%.3f', everybody_at), 'PX', math.ceil(everybody_at - now) + 1)
  redis.set_repl(redis.REPL_ALL)
end

local stock = tonumber(sale[2])
local pending = redis.call('XLEN', KEYS[3])

local function reserve(buyer_bucket, address_bucket, buyer, reservation, id, buyer_id, quantity, bit, wishes)
  if redis.call('SISMEMBER', KEYS[2], buyer_id) == 1 then return { 'BLACKLISTED' } end
  local wait = take_tokens(buyer_bucket, address_bucket)
  if wait > 0 then return { 'RATE_LIMITED', string.format('%d', math.ceil(wait)) } end
  local crowd_wait = take_from_everybody()
  if crowd_wait > 0 then return { 'CROWDED', string.format('%d', math.ceil(crowd_wait)) } end
  local earlier = redis.call('GET', buyer)
  if earlier then return { 'DUPLICATE', earlier } end
  if tonumber(quantity) > tonumber(sale[5]) then return { 'OVER_LIMIT', sale[5] } end
  if stock < tonumber(quantity) then return { 'SOLD_OUT', tostring(stock) } end
  if pending >= tonumber(ARGV[6]) then return { 'BUSY' } end

  require_rights(buyer, reservation)
  stock = redis.call('HINCRBY', KEYS[1], 'stock', -quantity)
  redis.call('SET', buyer, id, 'PXAT', sale[6])
  redis.call('HSET', reservation, 'status', 'RESERVED', 'buyer_id', buyer_id, 'quantity', quantity, 'epoch', ARGV[1], 'reserved_at_ms', now_ms)
  if wishes ~= '' then redis.call('HSET', reservation, 'wishes', wishes) end
  redis.call('PEXPIREAT', reservation, sale[6])
  redis.call('ZADD', KEYS[4], now_ms, id)
  redis.call('SETBIT', KEYS[5], bit, 1)
  local entry = redis.call('XADD', KEYS[3], '*', 'reservation_id', id, 'at_ms', now_ms)
  pending = pending + 1
  -- The first one of all comes by here, and after it whoever finds the line empty.
  if pending == 1 then
    redis.call('PEXPIREAT', KEYS[3], sale[6])
    redis.call('PEXPIREAT', KEYS[4], sale[6])
    redis.call('PEXPIREAT', KEYS[5], sale[6])
  end
  return { 'RESERVED', now_ms, entry }
end

local for_everybody = refusal()
local outcomes = {}
for i = 1, (#KEYS - 6) / 4 do
  local k, a = 6 + (i - 1) * 4, 10 + (i - 1) * 5
  outcomes[i] = for_everybody or reserve(KEYS[k + 1], KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4], ARGV[a + 5])
end
write_everybody()
return outcomes
