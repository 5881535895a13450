-- Brings the figures of a sale under a new epoch, with its door closed: nothing is reserved until open.lua.
--
-- KEYS[1] sale       hash: epoch, run_id (of the server run that these figures are known to be right in, '' while the
--                    door is closed), stock (units left), title, price_cents, opens_at_ms, closes_at_ms,
--                    per_buyer_limit, total, expires_at_ms, refilled (reservations filled in since it was closed),
--                    reconciled_at_ms (when it last agreed with the database), holder_units (see holders.ts)
-- KEYS[2] blacklist  set of buyer ids; emptied, and filled before the door opens
--
-- ARGV[1] epoch
-- ARGV[2] expiry of the sale's data, ms since 1970
-- and then field, value, … of the sale
--
-- Returns CLOSED, or STALE when there are figures of a newer epoch, or of this one with the door open.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id')
if found[1] then
  local ahead = tonumber(found[1]) - tonumber(ARGV[1])
  if ahead > 0 or (ahead == 0 and found[2] ~= '') then return 'STALE' end
end

require_right('HSET', KEYS[1], 'epoch', ARGV[1])
require_right('PEXPIREAT', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run_id', '', 'stock', 0, 'expires_at_ms', ARGV[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 'CLOSED'
