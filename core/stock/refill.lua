#!lua
-- Writes reservations of a closed sale, as the database knows them. A status only ever moves on, so what
-- was written meanwhile stays.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] book       hash: reservations by buyer, see book.lua
-- KEYS[3] undecided  sorted set by time
-- KEYS[4] holders    bit string, see holders.ts
--
-- ARGV[1] epoch
-- and then for each reservation
--   id
--   buyer_id
--   status
--   reason           or ''
--   order_id         or ''
--   holder_bit       the buyer's bit among the holders
--   quantity
--   reserved_at_ms   time of the reservation, ms since 1970; of a lapsed order with its end, see book.lua
--   key              by which the client names the reservation, or ''
--   wishes           coupon and points (JSON), or ''
--
-- Returns REFILLED, or STALE when the sale is not closed under this epoch.

local sale, book, undecided, holders = fixed_keys()
local epoch = fixed_args()
local found_epoch, run_id, expires_at_ms = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'expires_at_ms'))
if found_epoch ~= epoch or run_id ~= '' then return 'STALE' end

local id, buyer_id, status, reason, order_id, holder_bit, quantity, reserved_at_ms, key, wishes = lists_of_args()
local stage = { RESERVED = 1, ORDERED = 2, PAID = 3, CANCELLED = 4, REFUNDED = 4, REJECTED = 4 }
local records = redis.call('HMGET', book, unpack(buyer_id))
local held, members, bits = {}, {}, {}
for i = 1, item_count do
  local buyer = buyer_id[i]
  local reservations = held[buyer] or reservations_in(records[i])
  held[buyer] = reservations
  local line = { id[i], status[i], order_id[i], reason[i], quantity[i], epoch, key[i], wishes[i], '', reserved_at_ms[i] }
  local earlier = find_reservation(reservations, id[i])
  if not earlier then
    reservations[#reservations + 1] = line
  elseif stage[status[i]] > stage[earlier[STATUS]] then
    for field, value in ipairs(line) do
      if value ~= '' then earlier[field] = value end
    end
  end
  members[i] = member_of(id[i], buyer)
  if LIVE[status[i]] then
    for _, part in ipairs({ 'SET', 'u1', holder_bit[i], 1 }) do bits[#bits + 1] = part end
  end
end

redis.call('ZCARD', undecided) -- Fails before the first write if it is no sorted set.
redis.call('STRLEN', holders)
require_right('HSET', book, '', '')
require_right('ZREM', undecided, '')
require_right('BITFIELD', holders, 'SET', 'u1', 0, 1)
for _, written in ipairs({ book, holders }) do require_right('PEXPIREAT', written, expires_at_ms) end
require_right('HINCRBY', sale, 'refilled', 1)
local entries = {}
for buyer, reservations in pairs(held) do
  -- The database lists them by their ids.
  table.sort(reservations, function(one, other) return reserved_at(one) < reserved_at(other) end)
  drop_oldest_ended(reservations)
  entries[#entries + 1] = buyer
  entries[#entries + 1] = record_of(reservations)
end
if #entries > 0 then
  redis.call('HSET', book, unpack(entries))
  redis.call('ZREM', undecided, unpack(members))
end
if #bits > 0 then redis.call('BITFIELD', holders, unpack(bits)) end
for _, written in ipairs({ book, holders }) do redis.call('PEXPIREAT', written, expires_at_ms) end
redis.call('HINCRBY', sale, 'refilled', item_count)
return 'REFILLED'
