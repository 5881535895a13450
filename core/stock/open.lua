-- Opens the door of a sale that was closed under this epoch and whose reservations are filled in.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
--
-- ARGV[1] epoch
-- ARGV[2] units left
-- ARGV[3] run id of the server
--
-- Returns OPEN, or STALE when the sale is open already or was closed under another epoch.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'expires_at_ms')
if found[1] ~= ARGV[1] or found[2] ~= '' then return 'STALE' end
redis.call('PEXPIREAT', KEYS[2], found[3])
-- Last, because it opens the door.
redis.call('HSET', KEYS[1], 'stock', ARGV[2], 'run_id', ARGV[3])
return 'OPEN'
