#!lua flags=allow-oom
-- Takes units out of an open sale, from those left and from its total, all of them or none: those that are sold or held
-- stay. It runs before the database is told, so that no buyer reserves a unit that the database has given up.
--
-- KEYS[1] sale    hash, see close.lua
--
-- ARGV[1] epoch
-- ARGV[2] run_id  of the server
-- ARGV[3] units
--
-- Returns 1; 0 when fewer are left, or the sale is closed or of another epoch.

local sale = fixed_keys()
local epoch, run_id, units = fixed_args()
local found_epoch, found_run_id, total, stock = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'total', 'stock'))
if found_epoch ~= epoch or found_run_id ~= run_id then return 0 end
if tonumber(stock) < tonumber(units) then return 0 end
require_right('HSETNX', sale, 'holder_units', total)
-- The holders' bits stay where they are: see holders.ts.
redis.call('HSETNX', sale, 'holder_units', total)
redis.call('HSET', sale, 'total', string.format('%d', total - units), 'stock', string.format('%d', stock - units))
return 1
