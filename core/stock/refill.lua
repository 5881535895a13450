-- Writes reservations of a sale whose door is closed, as the database knows them. A status only ever moves on, so what
-- was told meanwhile stays.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] undecided  sorted set by time
-- KEYS[3] holders    bit string, see holders.ts
-- and then for each reservation
--   reservation      hash
--   buyer            string: id of the reservation the buyer holds
--
-- ARGV[1] epoch
-- and then for each reservation: its id, status, reason or '', order id or '', buyer id, the buyer's bit among the holders,
-- quantity, time of reservation in ms since 1970
--
-- Returns REFILLED, or STALE when the sale is not closed under this epoch.

local sale = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'expires_at_ms')
if sale[1] ~= ARGV[1] or sale[2] ~= '' then return 'STALE' end

local function require_rights(reservation, buyer)
  require_right('HGET', reservation, 'status')
  require_right('HSET', reservation, 'status', '')
  require_right('PEXPIREAT', reservation, sale[3])
  require_right('ZREM', KEYS[2], '')
  require_right('SET', buyer, '', 'PXAT', sale[3])
  require_right('SETBIT', KEYS[3], 0, 1)
  require_right('GET', buyer)
  require_right('DEL', buyer)
  require_right('PEXPIREAT', KEYS[3], sale[3])
  require_right('HINCRBY', KEYS[1], 'refilled', 1)
end

local stage = { RESERVED = 1, ORDERED = 2, PAID = 3, CANCELLED = 4, REFUNDED = 4, REJECTED = 4 }
for i = 4, #KEYS, 2 do
  if i == 4 then require_rights(KEYS[i], KEYS[i + 1]) end
  local a = 2 + (i - 4) * 4
  local id, status, reason, order_id, buyer_id, bit, quantity, reserved_at_ms = unpack(ARGV, a, a + 7)
  local earlier = redis.call('HGET', KEYS[i], 'status')
  if not earlier or stage[status] > stage[earlier] then
    redis.call('HSET', KEYS[i], 'status', status, 'buyer_id', buyer_id, 'quantity', quantity, 'epoch', ARGV[1], 'reserved_at_ms', reserved_at_ms)
    if reason ~= '' then redis.call('HSET', KEYS[i], 'reason', reason) end
    if order_id ~= '' then redis.call('HSET', KEYS[i], 'order_id', order_id) end
    redis.call('PEXPIREAT', KEYS[i], sale[3])
  end
  redis.call('ZREM', KEYS[2], id)
  if status == 'ORDERED' or status == 'PAID' then
    redis.call('SET', KEYS[i + 1], id, 'PXAT', sale[3])
    redis.call('SETBIT', KEYS[3], bit, 1)
  elseif redis.call('GET', KEYS[i + 1]) == id then
    redis.call('DEL', KEYS[i + 1])
  end
end
redis.call('PEXPIREAT', KEYS[3], sale[3])
redis.call('HINCRBY', KEYS[1], 'refilled', (#KEYS - 3) / 2)
return 'REFILLED'
