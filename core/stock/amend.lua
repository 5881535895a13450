-- Brings the figures of a loaded sale in line with the database, and moves the time at which its data expires. When the
-- stock was changed, the units left change by as much, never below none.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
-- KEYS[3] pending    stream
-- KEYS[4] undecided  sorted set
-- KEYS[5] holders    bit string
--
-- ARGV[1] epoch
-- ARGV[2] expiry of the sale's data, ms since 1970; never moved to an earlier time, since reservations refer to it
-- ARGV[3] units of the sale, sold ones included
-- ARGV[4] channel on which changes are told: RELEASED when there are more units than before
-- ARGV[5] whose, as an id of the sale
-- and then field, value, … of the sale
--
-- Returns the expiry that holds, or '' when the sale is not loaded under that epoch.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'expires_at_ms', 'total', 'stock')
if found[1] ~= ARGV[1] then return '' end

require_right('HSET', KEYS[1], 'total', ARGV[3])
require_right('HSETNX', KEYS[1], 'holder_units', found[4])
for _, key in ipairs(KEYS) do require_right('PEXPIREAT', key, ARGV[2]) end

local by = tonumber(ARGV[3]) - tonumber(found[4])
if by ~= 0 then
  redis.call('HSET', KEYS[1], 'total', ARGV[3])
  -- The holders' bits stay where they are: see holders.ts.
  redis.call('HSETNX', KEYS[1], 'holder_units', found[4])
  -- With the door closed open.lua says how many are left.
  if found[2] ~= '' then
    redis.call('HSET', KEYS[1], 'stock', string.format('%d', math.max(0, found[5] + by)))
    if by > 0 then redis.pcall('PUBLISH', ARGV[4], 'RELEASED ' .. ARGV[5]) end
  end
end
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end

local expires_at = found[3]
if tonumber(ARGV[2]) > tonumber(expires_at) then expires_at = ARGV[2] end
redis.call('HSET', KEYS[1], 'expires_at_ms', expires_at)
redis.call('PEXPIREAT', KEYS[1], expires_at)
redis.call('PEXPIREAT', KEYS[2], expires_at)
redis.call('PEXPIREAT', KEYS[3], expires_at)
redis.call('PEXPIREAT', KEYS[4], expires_at)
redis.call('PEXPIREAT', KEYS[5], expires_at)
return expires_at
