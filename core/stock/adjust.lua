#!lua flags=allow-oom
-- Adds to the units left of an open sale, or takes away from them, never below none.
--
-- KEYS[1] sale     hash, see close.lua
--
-- ARGV[1] epoch
-- ARGV[2] run_id   of the server
-- ARGV[3] units    to add, or to take away when negative
-- ARGV[4] channel  on which changes are published: RELEASED when units came back
-- ARGV[5] subject  the sale, as its reservations' ids begin
--
-- Returns the units by which they were moved; 0 when the sale is closed or of another epoch.

local sale = fixed_keys()
local epoch, run_id, units, channel, subject = fixed_args()
local found_epoch, found_run_id, stock = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'stock'))
if found_epoch ~= epoch or found_run_id ~= run_id then return 0 end
local by = math.max(tonumber(units), -tonumber(stock))
redis.call('HINCRBY', sale, 'stock', by)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
if by > 0 then redis.pcall('PUBLISH', channel, 'RELEASED ' .. subject) end
return by
