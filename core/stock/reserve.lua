#!lua
-- Sets units aside for buyers of one sale, one after the other. Several in one call, with one command of each kind for all
-- of them: a command costs more than its part for one buyer. Everything is decided before the first write.
--
-- KEYS[1] sale        hash, see close.lua
-- KEYS[2] blacklist   set of buyer ids
-- KEYS[3] book        hash: reservations by buyer, see book.lua
-- KEYS[4] pending     sorted set by time: reservations that the broker has not confirmed yet
-- KEYS[5] undecided   sorted set by time: neither order nor rejected yet
-- KEYS[6] holders     bit string: buyers who may have a reservation, see holders.ts
-- KEYS[7] even_marks  hash: token buckets of the even windows, see below
-- KEYS[8] odd_marks   hash: the same, of the odd ones
--
-- ARGV[1] epoch                that the caller knows
-- ARGV[2] buyer_token_ms       buyer bucket: ms per token
-- ARGV[3] buyer_burst          buyer bucket: burst
-- ARGV[4] address_token_ms     address bucket: ms per token
-- ARGV[5] address_burst        address bucket: burst
-- ARGV[6] pending_max          most pending reservations
-- ARGV[7] patience_ends_ms     time by Redis' clock after which the caller has stopped waiting
-- ARGV[8] run_id               of the server, as the caller's connection learned it
-- ARGV[9] sale_token_ms        the sale's bucket: ms per token, or '' for no such limit
-- ARGV[10] sale_burst          the sale's bucket: burst
-- and then for each purchase
--   id               of the reservation, without its sale
--   buyer_id
--   address
--   quantity
--   limit_per_buyer  units that this buyer may have
--   holder_bit       the buyer's bit among the holders
--   key              by which the client names this purchase among those of the buyer, or ''
--   wishes           coupon and points (JSON), or ''
--   claims           of the buyer's token (JSON), or ''
--
-- Returns for each purchase {status, value, value}:
--   RESERVED      now in ms
--   DUPLICATE     the live purchase of that key, as the book has it
--   KEY_REUSED    the same, when it is about another quantity or other wishes
--   SOLD_OUT      units left (fewer than asked for)
--   RATE_LIMITED  ms until there is a token
--   CROWDED       the same, of the sale's bucket
--   NOT_STARTED   now in ms, start in ms
--   ENDED         now in ms
--   OVER_LIMIT    units that this buyer may have, units that they hold
--   BLACKLISTED, TOO_MANY, BUSY, UNAVAILABLE (no such data, of another epoch, not known to be right in this run, or run too late)

local sale, blacklist, book, pending, undecided, holders, even_marks, odd_marks = fixed_keys()
local epoch, buyer_token_ms, buyer_burst, address_token_ms, address_burst, pending_max, patience_ends_ms, run_id, sale_token_ms, sale_burst = fixed_args()

-- Live ones of one buyer: a record is read as a whole.
local LIVE_MAX = 50

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

local refused = refusal()
local outcomes, requests, buyers, mark_names = {}, {}, {}, { 'window' }
for i = 1, item_count do
  local id, buyer_id, address, quantity, limit_per_buyer, holder_bit, key, wishes, claims = args_of(i)
  requests[i] = { id = id, buyer_id = buyer_id, quantity = quantity, limit = tonumber(limit_per_buyer), holder_bit = holder_bit, key = key, wishes = wishes, claims = claims, buyer_mark = 'b:' .. buyer_id, address_mark = 'a:' .. address }
  buyers[i] = buyer_id
  mark_names[2 * i], mark_names[2 * i + 1] = 'b:' .. buyer_id, 'a:' .. address
  outcomes[i] = refused
end
if refused then return outcomes end
mark_names[#mark_names + 1] = 'sale'

-- A token bucket is one number, its mark: the time at which it would be full again (generic cell rate algorithm). Marks
-- stand in one hash per window of time, as long as a bucket takes to fill: those of the window before the last are those
-- of full buckets, and the two hashes take turns.
buyer_token_ms, buyer_burst, address_token_ms, address_burst = tonumber(buyer_token_ms), tonumber(buyer_burst), tonumber(address_token_ms), tonumber(address_burst)
local has_sale_limit = sale_token_ms ~= ''
sale_token_ms, sale_burst = tonumber(sale_token_ms) or 0, tonumber(sale_burst) or 0
local window_ms = math.ceil(math.max(1000, buyer_token_ms * buyer_burst, address_token_ms * address_burst, sale_token_ms * sale_burst))
local window = math.floor(now / window_ms)
local marks_now, marks_before = even_marks, odd_marks
if window % 2 == 1 then marks_now, marks_before = odd_marks, even_marks end
local function window_name(number) return string.format('%d %d', number, window_ms) end

local marks, new_marks, has_new_marks = {}, {}, false
local is_window_new
local function read_marks()
  local of_now = redis.call('HMGET', marks_now, unpack(mark_names))
  local of_before = redis.call('HMGET', marks_before, unpack(mark_names))
  is_window_new = of_now[1] ~= window_name(window)
  local counts_before = of_before[1] == window_name(window - 1)
  for i = 2, #mark_names do
    marks[mark_names[i]] = (not is_window_new and of_now[i]) or (counts_before and of_before[i]) or 0
  end
end

-- A mark further ahead than an empty bucket leaves was written while the server's clock ran ahead (a second of leeway, for
-- a clock that is being set): it would refuse all buyers of an address for as long, so it counts as a full bucket.
local function full_at(mark, token_ms, burst)
  local at = tonumber(marks[mark])
  if at > now + token_ms * burst + 1000 then return now end
  return math.max(at, now)
end

local function write_mark(mark, at)
  marks[mark] = at
  new_marks[mark] = at
  has_new_marks = true
end

-- Takes a token from both buckets or from none; returns the ms to wait, 0 or less when they were taken.
local function take_tokens(request)
  local buyer_at = full_at(request.buyer_mark, buyer_token_ms, buyer_burst) + buyer_token_ms
  local address_at = full_at(request.address_mark, address_token_ms, address_burst) + address_token_ms
  local wait = math.max(buyer_at - buyer_token_ms * buyer_burst, address_at - address_token_ms * address_burst) - now
  if wait > 0 then return wait end
  write_mark(request.buyer_mark, buyer_at)
  write_mark(request.address_mark, address_at)
  return wait
end

-- The sale's bucket is charged only for buyers whom their own buckets let through, so that a refused one takes nothing
-- from the others.
local function take_of_sale()
  if not has_sale_limit then return 0 end
  local sale_at = full_at('sale', sale_token_ms, sale_burst) + sale_token_ms
  local wait = sale_at - sale_token_ms * sale_burst - now
  if wait <= 0 then write_mark('sale', sale_at) end
  return wait
end

-- Marks lapse within seconds: neither the log nor replicas need them.
local function write_marks()
  local fields = { 'window', window_name(window) }
  for mark, at in pairs(new_marks) do
    fields[#fields + 1] = mark
    fields[#fields + 1] = string.format('%.3f', at)
  end
  redis.set_repl(redis.REPL_NONE)
  if is_window_new then redis.call('UNLINK', marks_now) end
  redis.call('HSET', marks_now, unpack(fields))
  if is_window_new then redis.call('PEXPIRE', marks_now, 2 * window_ms) end
  redis.set_repl(redis.REPL_ALL)
end

read_marks()
local blacklisted = redis.call('SMISMEMBER', blacklist, unpack(buyers))
local records = redis.call('HMGET', book, unpack(buyers))
local sizes = { redis.call('ZCARD', pending), redis.call('ZCARD', undecided), redis.call('HLEN', book), redis.call('STRLEN', holders) }
local pending_count = sizes[1]
local held = {} -- The reservations of each buyer of this call.
stock, pending_max = tonumber(stock), tonumber(pending_max)
largest = tonumber(largest or 0)
local units_taken, largest_taken, reserved = 0, largest, {}

local function live_of(reservations, key)
  local units, count, named = 0, 0, nil
  for _, reservation in ipairs(reservations) do
    if LIVE[reservation[STATUS]] then
      units = units + reservation[QUANTITY]
      count = count + 1
      if reservation[KEY] == key then named = reservation end
    end
  end
  return units, count, named
end

local function reserve(i)
  local request = requests[i]
  if blacklisted[i] == 1 then return { 'BLACKLISTED' } end
  local wait = take_tokens(request)
  if wait > 0 then return { 'RATE_LIMITED', string.format('%d', math.ceil(wait)) } end
  local crowd_wait = take_of_sale()
  if crowd_wait > 0 then return { 'CROWDED', string.format('%d', math.ceil(crowd_wait)) } end

  local reservations = held[request.buyer_id] or reservations_in(records[i])
  held[request.buyer_id] = reservations
  local units = tonumber(request.quantity)
  local live_units, live_count, same = live_of(reservations, request.key)
  if same then
    local is_same = same[QUANTITY] == request.quantity and same[WISHES] == request.wishes
    return { is_same and 'DUPLICATE' or 'KEY_REUSED', record_of({ same }) }
  end
  if live_units + units > request.limit then return { 'OVER_LIMIT', tostring(request.limit), tostring(live_units) } end
  if stock < units then return { 'SOLD_OUT', tostring(stock) } end
  if live_count >= LIVE_MAX then return { 'TOO_MANY' } end
  if pending_count >= pending_max then return { 'BUSY' } end

  stock = stock - units
  units_taken = units_taken + units
  largest_taken = math.max(largest_taken, units)
  pending_count = pending_count + 1
  drop_oldest_ended(reservations)
  reservations[#reservations + 1] = { request.id, 'RESERVED', request.quantity, epoch, now_ms, request.key, '', '', request.wishes, request.claims }
  reserved[#reserved + 1] = request
  return { 'RESERVED', now_ms }
end

local function require_rights()
  require_right('HINCRBY', sale, 'stock', -1)
  require_right('HSET', sale, 'largest_quantity', 1)
  require_right('HSET', book, '', '')
  require_right('ZADD', undecided, 0, '')
  require_right('ZADD', pending, 0, '')
  require_right('BITFIELD', holders, 'SET', 'u1', 0, 1)
  for _, key in ipairs({ book, undecided, pending, holders }) do require_right('PEXPIREAT', key, expires_at_ms) end
end

local function write_reserved()
  local entries, members, bits = {}, {}, {}
  for _, request in ipairs(reserved) do
    if held[request.buyer_id] then
      entries[#entries + 1] = request.buyer_id
      entries[#entries + 1] = record_of(held[request.buyer_id])
      held[request.buyer_id] = nil
    end
    members[#members + 1] = now_ms
    members[#members + 1] = member_of(request.id, request.buyer_id)
    for _, part in ipairs({ 'SET', 'u1', request.holder_bit, 1 }) do bits[#bits + 1] = part end
  end
  redis.call('HINCRBY', sale, 'stock', -units_taken)
  -- The reconciler takes an undecided reservation for one of this many units.
  if largest_taken > largest then redis.call('HSET', sale, 'largest_quantity', largest_taken) end
  redis.call('HSET', book, unpack(entries))
  redis.call('ZADD', undecided, unpack(members))
  redis.call('ZADD', pending, unpack(members))
  redis.call('BITFIELD', holders, unpack(bits))
  -- One of the shared keys is new: set the expiry of all.
  if math.min(unpack(sizes)) == 0 then
    for _, key in ipairs({ book, undecided, pending, holders }) do redis.call('PEXPIREAT', key, expires_at_ms) end
  end
end

for i = 1, item_count do outcomes[i] = reserve(i) end
if #reserved > 0 then require_rights() end
if has_new_marks then write_marks() end
if #reserved > 0 then write_reserved() end
return outcomes
