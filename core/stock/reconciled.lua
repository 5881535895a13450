-- Notes that an open sale was just compared with the database and agrees with it.
--
-- KEYS[1] sale     hash, see close.lua
--
-- ARGV[1] epoch
-- ARGV[2] run id of the server
--
-- Returns 1, or 0 when the door is closed or of another epoch.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'reconciled_at_ms', string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
return 1
