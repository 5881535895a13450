-- Moves the window of a loaded sale, and with it the time at which its data expires.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
-- KEYS[3] pending    stream
-- KEYS[4] undecided  sorted set
-- KEYS[5] holders    bit string
--
-- ARGV[1] start, ms since 1970
-- ARGV[2] end, ms since 1970
-- ARGV[3] expiry of the sale's data, ms since 1970; never moved to an earlier time, since reservations refer to it
--
-- Returns the expiry that holds, or '' when the sale is not loaded.

local expires_at = redis.call('HGET', KEYS[1], 'expires_at_ms')
if not expires_at then return '' end
if tonumber(ARGV[3]) > tonumber(expires_at) then expires_at = ARGV[3] end
for _, key in ipairs(KEYS) do require_right('PEXPIREAT', key, expires_at) end
redis.call('HSET', KEYS[1], 'opens_at_ms', ARGV[1], 'closes_at_ms', ARGV[2], 'expires_at_ms', expires_at)
redis.call('PEXPIREAT', KEYS[1], expires_at)
redis.call('PEXPIREAT', KEYS[2], expires_at)
redis.call('PEXPIREAT', KEYS[3], expires_at)
redis.call('PEXPIREAT', KEYS[4], expires_at)
redis.call('PEXPIREAT', KEYS[5], expires_at)
return expires_at
