-- Writes reservations of a closed sale, as the database knows them. A status only ever moves on, so what
-- was written meanwhile stays.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] undecided  sorted set by time
-- KEYS[3] holders    bit string, see holders.ts
-- and then for each reservation
--   reservation      hash
--   buyer            string: id of the reservation that the buyer has
--
-- ARGV[1] epoch
-- and then for each reservation
--   id
--   status
--   reason           or ''
--   order_id         or ''
--   buyer_id
--   holder_bit       the buyer's bit among the holders
--   quantity
--   reserved_at_ms   time of the reservation, ms since 1970
--
-- Returns REFILLED, or STALE when the sale is not closed under this epoch.

local sale, undecided, holders = fixed_keys()
local epoch = fixed_args()
local found_epoch, run_id, expires_at_ms = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'expires_at_ms'))
if found_epoch ~= epoch or run_id ~= '' then return 'STALE' end

local function require_rights(reservation, buyer)
  require_right('HGET', reservation, 'status')
  require_right('HSET', reservation, 'status', '')
  require_right('PEXPIREAT', reservation, expires_at_ms)
  require_right('ZREM', undecided, '')
  require_right('SET', buyer, '', 'PXAT', expires_at_ms)
  require_right('SETBIT', holders, 0, 1)
  require_right('GET', buyer)
  require_right('DEL', buyer)
  require_right('PEXPIREAT', holders, expires_at_ms)
  require_right('HINCRBY', sale, 'refilled', 1)
end

local stage = { RESERVED = 1, ORDERED = 2, PAID = 3, CANCELLED = 4, REFUNDED = 4, REJECTED = 4 }
for i = 1, item_count do
  local reservation, buyer = keys_of(i)
  local id, status, reason, order_id, buyer_id, holder_bit, quantity, reserved_at_ms = args_of(i)
  if i == 1 then require_rights(reservation, buyer) end
  local earlier = redis.call('HGET', reservation, 'status')
  if not earlier or stage[status] > stage[earlier] then
    redis.call('HSET', reservation, 'status', status, 'buyer_id', buyer_id, 'quantity', quantity, 'epoch', epoch, 'reserved_at_ms', reserved_at_ms)
    if reason ~= '' then redis.call('HSET', reservation, 'reason', reason) end
    if order_id ~= '' then redis.call('HSET', reservation, 'order_id', order_id) end
    redis.call('PEXPIREAT', reservation, expires_at_ms)
  end
  redis.call('ZREM', undecided, id)
  if status == 'ORDERED' or status == 'PAID' then
    redis.call('SET', buyer, id, 'PXAT', expires_at_ms)
    redis.call('SETBIT', holders, holder_bit, 1)
  elseif redis.call('GET', buyer) == id then
    redis.call('DEL', buyer)
  end
end
redis.call('PEXPIREAT', holders, expires_at_ms)
redis.call('HINCRBY', sale, 'refilled', item_count)
return 'REFILLED'
