-- Opens the fast door of a sale: writes its figures, unless the ones there are of the same or a newer epoch.
--
-- KEYS[1] sale       hash: epoch, stock (units left), title, price_cents, opens_at_ms, closes_at_ms, per_buyer_limit,
--                    total, expires_at_ms
-- KEYS[2] blacklist  set of buyer ids, filled before
--
-- ARGV[1] epoch
-- ARGV[2] expiry of the sale's data, ms since 1970
-- and then field, value, … of the sale
--
-- Returns LOADED or STALE.

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) >= tonumber(ARGV[1]) then return 'STALE' end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'expires_at_ms', ARGV[2])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
redis.call('PEXPIREAT', KEYS[2], ARGV[2])
return 'LOADED'
