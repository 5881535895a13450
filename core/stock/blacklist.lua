#!lua
-- Puts buyers on the blacklist of a loaded sale, or takes them off.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
--
-- ARGV[1] change     LIST or UNLIST
-- and then for each buyer, some thousand at most: all of them stand on the stack
--   buyer_id
--
-- Returns how many buyers this changed; 0 when the sale is not loaded.

local sale, blacklist = fixed_keys()
local change = fixed_args()
local buyer_id = lists_of_args()
local expires_at_ms = redis.call('HGET', sale, 'expires_at_ms')
if not expires_at_ms then return 0 end
require_right('PEXPIREAT', blacklist, expires_at_ms)
local changed = redis.call(change == 'LIST' and 'SADD' or 'SREM', blacklist, unpack(buyer_id))
-- A set that was empty did not exist, and a new one would never expire.
redis.call('PEXPIREAT', blacklist, expires_at_ms)
return changed
