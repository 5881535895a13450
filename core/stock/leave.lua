#!lua
-- Takes units out of a shard that another shard has too few of, and records the move in the same command: units that have
-- left and have not arrived are missing until the move is completed, and never counted twice.
--
-- KEYS[1] sale      hash of the source, see close.lua. Its field "to:<shard>" is "<sequence> <units>" of the last move to
--                   that shard; the units are 0 once it is completed.
--
-- ARGV[1] epoch
-- ARGV[2] run_id    of the server
-- ARGV[3] target    number of the shard that the units go to
-- ARGV[4] units_max
--
-- Returns {sequence, units} of the move, which is an earlier one as long as that is not completed; units 0 when the source
-- has none, is closed or of another epoch.

local sale = fixed_keys()
local epoch, run_id, target, units_max = fixed_args()
local field = 'to:' .. target
local found_epoch, found_run_id, stock, last = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'stock', field))
if found_epoch ~= epoch or found_run_id ~= run_id then return { '0', '0' } end
local sequence, under_way = string.match(last or '0 0', '^(%d+) (%d+)$')
if under_way ~= '0' then return { sequence, under_way } end
local units = math.min(tonumber(units_max), tonumber(stock))
if units <= 0 then return { sequence, '0' } end
sequence, units = string.format('%d', sequence + 1), string.format('%d', units)
redis.call('HSET', sale, 'stock', string.format('%d', stock - units), field, sequence .. ' ' .. units)
return { sequence, units }
