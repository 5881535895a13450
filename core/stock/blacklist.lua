-- Puts buyers on the blacklist of a loaded sale, or takes them off.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
--
-- ARGV[1] LIST or UNLIST
-- and then buyer ids, some thousand at most: they stand on the stack
--
-- Returns how many buyers this changed; 0 when the sale is not loaded.

local expires_at = redis.call('HGET', KEYS[1], 'expires_at_ms')
if not expires_at then return 0 end
require_right('PEXPIREAT', KEYS[2], expires_at)
local changed = redis.call(ARGV[1] == 'LIST' and 'SADD' or 'SREM', KEYS[2], unpack(ARGV, 2))
-- A set that was empty did not exist, and a new one would never expire.
redis.call('PEXPIREAT', KEYS[2], expires_at)
return changed
