-- Moves the units left of an open sale to what they should be, never below none.
--
-- KEYS[1] sale     hash, see close.lua
--
-- ARGV[1] epoch
-- ARGV[2] run id of the server
-- ARGV[3] units to add, or to take away when negative
-- ARGV[4] channel on which changes are told: RELEASED when units came back
-- ARGV[5] whose, as an id of the sale
--
-- Returns the units by which they were moved; 0 when the door is closed or of another epoch.

local found = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'stock')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then return 0 end
local by = math.max(tonumber(ARGV[3]), -tonumber(found[3]))
redis.call('HINCRBY', KEYS[1], 'stock', by)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
if by > 0 then redis.pcall('PUBLISH', ARGV[4], 'RELEASED ' .. ARGV[5]) end
return by
