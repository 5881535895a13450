-- Opens the door of a sale that was closed under this epoch and whose reservations are filled in.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
--
-- ARGV[1] epoch
-- ARGV[2] units left
-- ARGV[3] units of the sale, sold ones included, of the same instant as those left; '' when they are as when it was closed
-- ARGV[4] run id of the server
--
-- Returns OPEN, or STALE when the sale is open already or was closed under another epoch.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'expires_at_ms', 'total')
if found[1] ~= ARGV[1] or found[2] ~= '' then return 'STALE' end
local time = redis.call('TIME')
local now_ms = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
require_right('HSET', KEYS[1], 'stock', ARGV[2])
-- The holders' bits were laid out for the total that it was closed with: see holders.ts.
if ARGV[3] ~= '' and ARGV[3] ~= found[4] then
  redis.call('HSETNX', KEYS[1], 'holder_units', found[4])
  redis.call('HSET', KEYS[1], 'total', ARGV[3])
end
redis.call('PEXPIREAT', KEYS[2], found[3])
-- Last, because it opens the door.
redis.call('HSET', KEYS[1], 'stock', ARGV[2], 'run_id', ARGV[4], 'reconciled_at_ms', now_ms)
return 'OPEN'
