#!lua
-- Sets units aside for buyers of one sale, one after the other. Several in one call, with one command of each kind for
-- all of them: a command costs more than its part for one buyer. Everything is decided before the first write.
--
-- KEYS[1] sale        hash, see close.lua
-- KEYS[2] blacklist   set of buyer ids
-- KEYS[3] book        hash: reservations by buyer, see book.lua
-- KEYS[4] pending     sorted set by time: reservations that the broker has not confirmed yet
-- KEYS[5] undecided   sorted set by time: neither order nor rejected yet
-- KEYS[6] holders     bit string: buyers who may have a reservation, see holders.ts
-- KEYS[7] orders      hash, see settle.lua
-- KEYS[8] even_marks  hash: token buckets of the even windows of that length, see below
-- KEYS[9] odd_marks   hash: the same, of the odd ones
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
-- ARGV[11] window_ms           length of the windows of token buckets
-- ARGV[12] terms               number of the sale's terms that the caller knows, '' for the first
-- ARGV[13] tickets             when the ticket of each purchase was given, ms since 1970, - of one without, a
--                              blank between two; '' of a sale without tickets. 0 is an admission from a draw, which
--                              any order of the buyer uses up
-- ARGV[14] lapses              orders that a buyer may let lapse, a blank, and the ms to wait after each from then on;
--                              '' of a sale without that rule
-- and then for each purchase
--   buyer_id
--   address          with a tab in front: so its mark is no buyer's
--   member           the reservation's name in the sorted sets, see book.lua
--   line             the reservation as the book gets it, up to the time
--   quantity
--   limit_per_buyer  units that this buyer may have
--   holder_bit       the buyer's bit among the holders
--
-- Returns for each purchase a text: its status, and for some a value or two, separated by tabs:
--   RESERVED      now in ms
--   DUPLICATE     the live purchase of that key, as the book has it
--   KEY_REUSED    the same, when it is about another quantity or other wishes
--   SOLD_OUT      units left (fewer than asked for)
--   RATE_LIMITED  ms until there is a token
--   CROWDED       the same, of the sale's bucket
--   NOT_STARTED   now in ms, start in ms
--   ENDED         now in ms
--   STOPPED       by an operator, until it is resumed
--   TERMS_CHANGED price or limit per buyer are others than the caller knows
--   LAPSED        ms until the buyer may buy again, who has let too many orders lapse
--   OVER_LIMIT    units that this buyer may have, units that they hold
--   BLACKLISTED, TICKET_USED, TOO_MANY, BUSY
--   UNAVAILABLE   no such data, of another epoch, not known to be right in this run, or run too late

local sale, blacklist, book, pending, undecided, holders, orders, even_marks, odd_marks = fixed_keys()
local epoch, buyer_token_ms, buyer_burst, address_token_ms, address_burst,
  pending_max, patience_ends_ms, run_id, sale_token_ms, sale_burst, window_ms, terms, tickets, lapses = fixed_args()
local buyer_id, address, member, line, quantity, limit_per_buyer, holder_bit = lists_of_args()

-- Live ones of one buyer: a record is read as a whole.
local LIVE_MAX = 50

local found_epoch, stock, opens_at_ms, closes_at_ms, expires_at_ms,
  found_run_id, largest, stopped, found_terms = unpack(
  redis.call('HMGET', sale, 'epoch', 'stock', 'opens_at_ms', 'closes_at_ms', 'expires_at_ms', 'run_id',
    'largest_quantity', 'stopped', 'terms')
)
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local now_ms = string.format('%d', now)

-- The refusal of every buyer of this call, if there is one.
local function refusal()
  -- A server that was restarted may have an older copy of everything, this epoch included; its run id is another.
  if found_epoch ~= epoch or found_run_id ~= run_id then return 'UNAVAILABLE' end
  -- A Redis that was paused runs the scripts that queued up meanwhile; their callers have told the buyers to come back.
  if now > tonumber(patience_ends_ms) then return 'UNAVAILABLE' end
  if now < tonumber(opens_at_ms) then return 'NOT_STARTED\t' .. now_ms .. '\t' .. opens_at_ms end
  if now >= tonumber(closes_at_ms) then return 'ENDED\t' .. now_ms end
  if stopped == '1' then return 'STOPPED' end
  if (found_terms or '') ~= terms then return 'TERMS_CHANGED' end
end

local refused = refusal()
local outcomes = {}
if refused then
  for i = 1, item_count do outcomes[i] = refused end
  return outcomes
end

-- A token bucket is one number, its mark: the time at which it would be full again (generic cell rate algorithm).
-- Marks stand in a hash for each window of time, in µs since its start; two hashes take turns. A bucket is full within
-- an eighth of a window: only so long do the marks of the window before count. Windows of another length, of a gateway
-- with other limits, have hashes of their own. A mark is named by the buyer, by a tab and the address, or as follows; a
-- buyer's id has no tab.
local SALE_MARK, WINDOW = '\tsale', '\twindow'
buyer_token_ms, buyer_burst = tonumber(buyer_token_ms), tonumber(buyer_burst)
address_token_ms, address_burst = tonumber(address_token_ms), tonumber(address_burst)
local has_sale_limit = sale_token_ms ~= ''
sale_token_ms, sale_burst = tonumber(sale_token_ms) or 0, tonumber(sale_burst) or 0
local buyer_fill_ms, address_fill_ms, sale_fill_ms =
  buyer_token_ms * buyer_burst, address_token_ms * address_burst, sale_token_ms * sale_burst
window_ms = tonumber(window_ms)
local window = math.floor(now / window_ms)
local window_began = window * window_ms
local function window_name(number) return string.format('%d', number) end

-- A mark further ahead than an empty bucket leaves was written while the server's clock ran ahead (a second of leeway,
-- for a clock that is being set): it would refuse all buyers of an address for as long, so it counts as a full bucket.
local buyer_empty_at, address_empty_at, sale_empty_at = now + buyer_fill_ms, now + address_fill_ms, now + sale_fill_ms
local marks = {} -- Of the buckets that are not full.
local function read_marks(key, name, began)
  if redis.call('HGET', key, WINDOW) ~= name then return false end
  local function read(names, empty_at)
    local found = redis.call('HMGET', key, unpack(names))
    for i = 1, #names do
      local at = found[i] and began + found[i] / 1000
      if at and at > now and at <= empty_at + 1000 and not marks[names[i]] then marks[names[i]] = at end
    end
  end
  read(buyer_id, buyer_empty_at)
  read(address, address_empty_at)
  if has_sale_limit then read({ SALE_MARK }, sale_empty_at) end
  return true
end
local marks_now, marks_before = even_marks, odd_marks
if window % 2 == 1 then marks_now, marks_before = odd_marks, even_marks end
local is_window_new = not read_marks(marks_now, window_name(window), window_began)
if now - window_began < window_ms / 8 then
  read_marks(marks_before, window_name(window - 1), window_began - window_ms)
end

local new_marks, new_marks_end = { WINDOW, window_name(window) }, 2
local texts = {} -- By mark: those of buckets that were full are equal, and formatting takes long.
local function write_mark(name, at)
  marks[name] = at
  local text = texts[at]
  if not text then
    text = string.format('%d', (at - window_began) * 1000)
    texts[at] = text
  end
  new_marks[new_marks_end + 1], new_marks[new_marks_end + 2] = name, text
  new_marks_end = new_marks_end + 2
end

-- Takes a token from both buckets or from none; returns the ms to wait, 0 or less when they were taken.
local function take_tokens(buyer, buyer_address)
  local buyer_at = (marks[buyer] or now) + buyer_token_ms
  local address_at = (marks[buyer_address] or now) + address_token_ms
  local wait, address_wait = buyer_at - buyer_empty_at, address_at - address_empty_at
  if address_wait > wait then wait = address_wait end
  if wait > 0 then return wait end
  write_mark(buyer, buyer_at)
  write_mark(buyer_address, address_at)
  return wait
end

-- The sale's bucket is charged only for buyers whom their own buckets let through, so that a refused one takes nothing
-- from the others.
local sale_found_at = marks[SALE_MARK] or now
local sale_at = sale_found_at
local function take_of_sale()
  if not has_sale_limit then return 0 end
  local wait = sale_at + sale_token_ms - sale_empty_at
  if wait <= 0 then sale_at = sale_at + sale_token_ms end
  return wait
end

-- Marks lapse within seconds: neither the log nor replicas need them.
local function write_marks()
  if sale_at > sale_found_at then write_mark(SALE_MARK, sale_at) end
  if new_marks_end == 2 then return end
  redis.set_repl(redis.REPL_NONE)
  if is_window_new then redis.call('UNLINK', marks_now) end
  redis.call('HSET', marks_now, unpack(new_marks))
  if is_window_new then redis.call('PEXPIRE', marks_now, 2 * window_ms) end
  redis.set_repl(redis.REPL_ALL)
end

local blacklisted = redis.call('SMISMEMBER', blacklist, unpack(buyer_id))
local records = redis.call('HMGET', book, unpack(buyer_id))
local sizes = {
  redis.call('ZCARD', pending), redis.call('ZCARD', undecided), redis.call('HLEN', book), redis.call('STRLEN', holders),
}
local pending_count, is_key_new = sizes[1], math.min(unpack(sizes)) == 0
stock, pending_max = tonumber(stock), tonumber(pending_max)
largest = tonumber(largest or 0)
-- By text: most quantities and limits of a call are equal, and tonumber takes long.
local numbers = setmetatable({}, {
  __index = function(known, text)
    known[text] = tonumber(text)
    return known[text]
  end,
})
local units_taken, largest_taken = 0, largest
local new_records = {} -- By buyer.
local reserved_count, entries, members, bits = 0, {}, {}, {}
local RESERVED = 'RESERVED\t' .. now_ms
local terms_field = terms == '' and '' or '\t' .. terms

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

local given_at_ms, lapses_max, lapse_wait_ms = {}, nil, nil
if tickets ~= '' then
  local i = 0
  for given in string.gmatch(tickets, '%S+') do
    i = i + 1
    given_at_ms[i] = tonumber(given)
  end
end
if lapses ~= '' then
  local max, wait = string.match(lapses, '^(%d+) (%d+)$')
  lapses_max, lapse_wait_ms = tonumber(max), tonumber(wait)
end

-- What ended orders of a buyer say against another purchase: its ticket was given before one of them, or too many
-- lapsed, the last one just now.
local function refusal_by_ended(reservations, key, ticket_given_at_ms)
  local count, last_ms = 0, 0
  -- The record forgets the oldest of many, and with them which tickets they used up.
  local may_forget = ended_in(reservations) >= ENDED_KEPT
  -- Given before the server's clock stepped back (a second of leeway): which orders came first cannot be told.
  local is_of_future = ticket_given_at_ms and ticket_given_at_ms > now + 1000
  for _, reservation in ipairs(reservations) do
    local status, reserved_at_ms = reservation[STATUS], reserved_at(reservation)
    local was_order = status == 'CANCELLED' or status == 'REFUNDED'
    local is_of_ticket = reservation[KEY] == key or ticket_given_at_ms == 0 or may_forget
    local is_before = ticket_given_at_ms and (reserved_at_ms >= ticket_given_at_ms or is_of_future)
    if was_order and is_of_ticket and is_before then return 'TICKET_USED' end
    local lapsed_at_ms = lapsed_at(reservation)
    if lapsed_at_ms then
      count = count + 1
      last_ms = math.max(last_ms, lapsed_at_ms)
    end
  end
  if not lapses_max or count < lapses_max then return end
  local wait_ms = last_ms + lapse_wait_ms - now
  if wait_ms > 0 then return 'LAPSED\t' .. math.ceil(wait_ms) end
end

local function reserve(i)
  if blacklisted[i] == 1 then return 'BLACKLISTED' end
  local buyer = buyer_id[i]
  local wait = take_tokens(buyer, address[i])
  if wait > 0 then return 'RATE_LIMITED\t' .. math.ceil(wait) end
  local crowd_wait = take_of_sale()
  if crowd_wait > 0 then return 'CROWDED\t' .. math.ceil(crowd_wait) end

  local units, limit = numbers[quantity[i]], numbers[limit_per_buyer[i]]
  local record = new_records[buyer] or records[i]
  local reservations, live_units, live_count = nil, 0, 0
  if record then
    local wanted, same = reservations_in(line[i])[1], nil
    reservations = reservations_in(record)
    live_units, live_count, same = live_of(reservations, wanted[KEY])
    if same then
      add_order(orders, same, buyer)
      local is_same = same[QUANTITY] == wanted[QUANTITY] and same[WISHES] == wanted[WISHES]
      return (is_same and 'DUPLICATE\t' or 'KEY_REUSED\t') .. record_of({ same })
    end
    if given_at_ms[i] or lapses_max then
      local refused_by_ended = refusal_by_ended(reservations, wanted[KEY], given_at_ms[i])
      if refused_by_ended then return refused_by_ended end
    end
  end
  if live_units + units > limit then return 'OVER_LIMIT\t' .. limit .. '\t' .. live_units end
  if stock < units then return 'SOLD_OUT\t' .. stock end
  if live_count >= LIVE_MAX then return 'TOO_MANY' end
  if pending_count >= pending_max then return 'BUSY' end

  stock = stock - units
  units_taken = units_taken + units
  if units > largest_taken then largest_taken = units end
  pending_count = pending_count + 1
  local new_record = line[i] .. now_ms .. terms_field
  if record then
    drop_oldest_ended(reservations)
    new_record = record_of(reservations) .. '\n' .. new_record
  end
  new_records[buyer] = new_record
  local n = 2 * reserved_count
  entries[n + 1], entries[n + 2] = buyer, new_record
  members[n + 1], members[n + 2] = now_ms, member[i]
  n = 4 * reserved_count
  bits[n + 1], bits[n + 2], bits[n + 3], bits[n + 4] = 'SET', 'u1', holder_bit[i], '1'
  reserved_count = reserved_count + 1
  return RESERVED
end

local function require_rights()
  require_right('HINCRBY', sale, 'stock', -1)
  require_right('HSET', sale, 'largest_quantity', 1)
  require_right('HSET', book, '', '')
  require_right('ZADD', undecided, 0, '')
  require_right('ZADD', pending, 0, '')
  require_right('BITFIELD', holders, 'SET', 'u1', 0, 1)
  if not is_key_new then return end
  for _, key in ipairs({ book, undecided, pending, holders }) do require_right('PEXPIREAT', key, expires_at_ms) end
end

local function write_reserved()
  redis.call('HINCRBY', sale, 'stock', -units_taken)
  -- The reconciler takes an undecided reservation for one of this many units.
  if largest_taken > largest then redis.call('HSET', sale, 'largest_quantity', largest_taken) end
  redis.call('HSET', book, unpack(entries))
  redis.call('ZADD', undecided, unpack(members))
  redis.call('ZADD', pending, unpack(members))
  redis.call('BITFIELD', holders, unpack(bits))
  if is_key_new then
    for _, key in ipairs({ book, undecided, pending, holders }) do redis.call('PEXPIREAT', key, expires_at_ms) end
  end
end

for i = 1, item_count do outcomes[i] = reserve(i) end
if reserved_count > 0 then require_rights() end
write_marks()
if reserved_count > 0 then write_reserved() end
return outcomes
