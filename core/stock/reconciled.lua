#!lua flags=allow-oom
-- Notes that an open sale was just compared with the database and agrees with it.
--
-- KEYS[1] sale    hash, see close.lua
--
-- ARGV[1] epoch
-- ARGV[2] run_id  of the server
--
-- Returns 1, or 0 when the sale is closed or of another epoch.

local sale = fixed_keys()
local epoch, run_id = fixed_args()
local found_epoch, found_run_id = unpack(redis.call('HMGET', sale, 'epoch', 'run_id'))
if found_epoch ~= epoch or found_run_id ~= run_id then return 0 end
local time = redis.call('TIME')
redis.call('HSET', sale, 'reconciled_at_ms', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
return 1
