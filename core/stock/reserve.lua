-- Sets units aside for buyers of one sale, one after the other. For each of them every check comes before the first write
-- that concerns stock. Several in one call, because half of what a call of one costs is the call.
--
-- KEYS[1] sale         hash, see close.lua
-- KEYS[2] blacklist    set of buyer ids
-- KEYS[3] pending      stream: reservations not confirmed by the broker yet, each with its time
-- KEYS[4] undecided    sorted set by time: neither order nor rejected yet
-- KEYS[5] holders      bit string: buyers who may have a reservation, see holders.ts
-- KEYS[6] sale_bucket  string: theoretical arrival time in ms (GCRA), of all buyers together
-- and then for each reservation
--   buyer_bucket       string: theoretical arrival time in ms (GCRA)
--   address_bucket     string: the same
--   buyer              string: id of the reservation that the buyer has
--   reservation        hash, written here
--
-- ARGV[1] epoch                that the caller knows
-- ARGV[2] buyer_token_ms       buyer bucket: ms per token
-- ARGV[3] buyer_burst          buyer bucket: burst
-- ARGV[4] address_token_ms     address bucket: ms per token
-- ARGV[5] address_burst        address bucket: burst
-- ARGV[6] pending_max          most pending entries
-- ARGV[7] patience_ends_ms     time by Redis' clock after which the caller has stopped waiting
-- ARGV[8] run_id               of the server, as the caller's connection learned it
-- ARGV[9] sale_token_ms        the sale's bucket: ms per token, or '' for no such limit
-- ARGV[10] sale_burst          the sale's bucket: burst
-- and then for each reservation
--   id
--   buyer_id
--   quantity
--   limit_per_buyer    units that this buyer may have
--   holder_bit         the buyer's bit among the holders
--   wishes             coupon and points (JSON), or ''
--   claims             of the buyer's token (JSON), or ''
--
-- Returns for each reservation {status, value, value}:
--   RESERVED      now in ms, id of the pending entry
--   DUPLICATE     id of the reservation that the buyer has already
--   SOLD_OUT      units left (fewer than asked for)
--   RATE_LIMITED  ms until there is a token
--   CROWDED       the same, of the sale's bucket
--   NOT_STARTED   now in ms, start in ms
--   ENDED         now in ms
--   OVER_LIMIT    units that this buyer may have
--   BLACKLISTED, BUSY, UNAVAILABLE (no such data, of another epoch, not known to be right in this run, or run too late)

local sale, blacklist, pending, undecided, holders, sale_bucket = fixed_keys()
local epoch, buyer_token_ms, buyer_burst, address_token_ms, address_burst, pending_max, patience_ends_ms, run_id, sale_token_ms, sale_burst = fixed_args()

local found_epoch, stock, opens_at_ms, closes_at_ms, expires_at_ms, found_run_id, largest = unpack(redis.call('HMGET', sale, 'epoch', 'stock', 'opens_at_ms', 'closes_at_ms', 'expires_at_ms', 'run_id', 'largest_quantity'))
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local now_ms = string.format('%d', now)

-- The refusal of every buyer of this call, if there is one.
local function refusal()
  -- A server that was restarted may have an older copy of everything, this epoch included; its run id is another.
  if found_epoch ~= epoch or found_run_id ~= run_id then return { 'UNAVAILABLE' } end
  -- A Redis that was paused runs the scripts that queued up meanwhile; their callers have told the buyers to come back.
  if now > tonumber(patience_ends_ms) then return { 'UNAVAILABLE' } end
  if now < tonumber(opens_at_ms) then return { 'NOT_STARTED', now_ms, opens_at_ms } end
  if now >= tonumber(closes_at_ms) then return { 'ENDED', now_ms } end
end

-- A mark further ahead than an empty bucket leaves was written while the server's clock ran ahead (a second of leeway, for
-- a clock that is being set): it would refuse all buyers of an address for as long, so it counts as a full bucket.
local function full_at(mark, token_ms, burst)
  local at = tonumber(mark or 0)
  if at > now + token_ms * burst + 1000 then return now end
  return math.max(at, now)
end

-- Buckets are full again within seconds: neither the log nor replicas need them.
local function write_bucket(bucket, at)
  redis.set_repl(redis.REPL_NONE)
  redis.call('SET', bucket, string.format('%.3f', at), 'PX', math.ceil(at - now) + 1)
  redis.set_repl(redis.REPL_ALL)
end

-- A token bucket as one number: the time at which the bucket would be full again (generic cell rate algorithm).
-- Takes a token from both buckets or from none; returns the ms to wait, 0 or less when they were taken.
local function take_tokens(buyer_bucket, address_bucket)
  local marks = redis.call('MGET', buyer_bucket, address_bucket)
  local buyer_at = full_at(marks[1], buyer_token_ms, buyer_burst) + buyer_token_ms
  local address_at = full_at(marks[2], address_token_ms, address_burst) + address_token_ms
  local wait = math.max(buyer_at - buyer_token_ms * buyer_burst, address_at - address_token_ms * address_burst) - now
  if wait > 0 then return wait end
  write_bucket(buyer_bucket, buyer_at)
  write_bucket(address_bucket, address_at)
  return wait
end

-- The sale's bucket is charged only for buyers whom their own buckets let through, so that a refused one takes nothing
-- from the others. Read and written once for a whole call.
local sale_at, sale_took
local function take_of_sale()
  if sale_token_ms == '' then return 0 end
  sale_at = sale_at or full_at(redis.call('GET', sale_bucket), sale_token_ms, sale_burst)
  local wait = sale_at + sale_token_ms - sale_token_ms * sale_burst - now
  if wait > 0 then return wait end
  sale_at = sale_at + sale_token_ms
  sale_took = true
  return 0
end

-- Asks once for the right to every write that concerns stock; in one call the keys differ by buyer only.
local may_write = false
local function require_rights(buyer, reservation)
  if may_write then return end
  require_right('HINCRBY', sale, 'stock', -1)
  require_right('HSET', sale, 'largest_quantity', 1)
  require_right('SET', buyer, '', 'PXAT', expires_at_ms)
  require_right('HSET', reservation, 'status', '')
  require_right('PEXPIREAT', reservation, expires_at_ms)
  require_right('ZADD', undecided, 0, '')
  require_right('SETBIT', holders, 0, 1)
  require_right('XADD', pending, '*', 'reservation_id', '')
  may_write = true
end

stock = tonumber(stock)
largest = tonumber(largest or 0)
local pending_count = redis.call('XLEN', pending)

local function reserve(i)
  local buyer_bucket, address_bucket, buyer, reservation = keys_of(i)
  local id, buyer_id, quantity, limit_per_buyer, holder_bit, wishes, claims = args_of(i)
  local units = tonumber(quantity)

  if redis.call('SISMEMBER', blacklist, buyer_id) == 1 then return { 'BLACKLISTED' } end
  local wait = take_tokens(buyer_bucket, address_bucket)
  if wait > 0 then return { 'RATE_LIMITED', string.format('%d', math.ceil(wait)) } end
  local crowd_wait = take_of_sale()
  if crowd_wait > 0 then return { 'CROWDED', string.format('%d', math.ceil(crowd_wait)) } end
  local earlier = redis.call('GET', buyer)
  if earlier then return { 'DUPLICATE', earlier } end
  if units > tonumber(limit_per_buyer) then return { 'OVER_LIMIT', limit_per_buyer } end
  if stock < units then return { 'SOLD_OUT', tostring(stock) } end
  if pending_count >= tonumber(pending_max) then return { 'BUSY' } end

  require_rights(buyer, reservation)
  stock = redis.call('HINCRBY', sale, 'stock', -units)
  -- The reconciler takes an undecided reservation for one of this many units.
  if units > largest then
    redis.call('HSET', sale, 'largest_quantity', quantity)
    largest = units
  end
  redis.call('SET', buyer, id, 'PXAT', expires_at_ms)
  redis.call('HSET', reservation, 'status', 'RESERVED', 'buyer_id', buyer_id, 'quantity', quantity, 'epoch', epoch, 'reserved_at_ms', now_ms)
  if wishes ~= '' then redis.call('HSET', reservation, 'wishes', wishes) end
  if claims ~= '' then redis.call('HSET', reservation, 'claims', claims) end
  redis.call('PEXPIREAT', reservation, expires_at_ms)
  redis.call('ZADD', undecided, now_ms, id)
  redis.call('SETBIT', holders, holder_bit, 1)
  local entry = redis.call('XADD', pending, '*', 'reservation_id', id, 'at_ms', now_ms)
  pending_count = pending_count + 1
  -- Stream was empty: the shared keys may be new, so set their expiry.
  if pending_count == 1 then
    redis.call('PEXPIREAT', pending, expires_at_ms)
    redis.call('PEXPIREAT', undecided, expires_at_ms)
    redis.call('PEXPIREAT', holders, expires_at_ms)
  end
  return { 'RESERVED', now_ms, entry }
end

local refused = refusal()
local outcomes = {}
for i = 1, item_count do outcomes[i] = refused or reserve(i) end
if sale_took then write_bucket(sale_bucket, sale_at) end
return outcomes
