#!lua
-- Opens a sale that was closed under this epoch and whose reservations are filled in.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
--
-- ARGV[1] epoch
-- ARGV[2] left    units left
-- ARGV[3] total   units of the sale, sold ones included, of the same instant as those left; '' when they are as when it
--                 was closed
-- ARGV[4] run_id  of the server
--
-- Returns OPEN, or STALE when the sale is open already or was closed under another epoch.

local sale, blacklist = fixed_keys()
local epoch, left, total, run_id = fixed_args()
local found_epoch, found_run_id, expires_at_ms, found_total = unpack(redis.call(
  'HMGET', sale, 'epoch', 'run_id', 'expires_at_ms', 'total'
))
if found_epoch ~= epoch or found_run_id ~= '' then return 'STALE' end
local time = redis.call('TIME')
local now_ms = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
require_right('HSET', sale, 'stock', left)
-- The holders' bits were laid out for the total that it was closed with: see holders.ts.
if total ~= '' and total ~= found_total then
  redis.call('HSETNX', sale, 'holder_units', found_total)
  redis.call('HSET', sale, 'total', total)
end
redis.call('PEXPIREAT', blacklist, expires_at_ms)
-- Last, because it opens the sale.
redis.call('HSET', sale, 'stock', left, 'run_id', run_id, 'reconciled_at_ms', now_ms)
return 'OPEN'
