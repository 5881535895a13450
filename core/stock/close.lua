#!lua
-- Writes the figures of a sale under a new epoch and closes it: nothing is reserved until open.lua.
--
-- KEYS[1] sale       hash: epoch, run_id (of the server run that these figures are known to be right in, '' while the
--                    sale is closed), stock (units left), title, price_cents, opens_at_ms, closes_at_ms,
--                    per_buyer_limit, total, expires_at_ms, refilled (reservations filled in since it was closed),
--                    reconciled_at_ms (when it last agreed with the database), holder_units (see holders.ts),
--                    largest_quantity (most units that one reservation of this epoch took; absent before the first),
--                    stopped (1 while an operator has stopped it), opening (rules of the opening, JSON; '' for none),
--                    seed_hash (of the order of the waiting room; '' without one),
--                    terms (how often price or limit per buyer were changed; absent before the first time)
-- KEYS[2] blacklist  set of buyer ids; emptied, and filled before the sale opens
--
-- ARGV[1] epoch
-- ARGV[2] expires_at_ms  expiry of the sale's data, ms since 1970
-- and then for each figure
--   field
--   value
--
-- Returns CLOSED, or STALE when there are figures of a newer epoch, or of this one when it is open.

local sale, blacklist = fixed_keys()
local epoch, expires_at_ms = fixed_args()
local field, value = lists_of_args()
local found_epoch, run_id = unpack(redis.call('HMGET', sale, 'epoch', 'run_id'))
if found_epoch then
  local ahead = tonumber(found_epoch) - tonumber(epoch)
  if ahead > 0 or (ahead == 0 and run_id ~= '') then return 'STALE' end
end

require_right('HSET', sale, 'epoch', epoch)
require_right('PEXPIREAT', sale, expires_at_ms)
redis.call('DEL', sale, blacklist)
redis.call('HSET', sale, 'epoch', epoch, 'run_id', '', 'stock', 0, 'expires_at_ms', expires_at_ms)
for i = 1, item_count do redis.call('HSET', sale, field[i], value[i]) end
redis.call('PEXPIREAT', sale, expires_at_ms)
return 'CLOSED'
