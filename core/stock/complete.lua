#!lua flags=allow-oom
-- Notes in the source of a move that it has arrived, so that the next one may leave.
--
-- KEYS[1] sale      hash of the source, see leave.lua
--
-- ARGV[1] epoch     of the move
-- ARGV[2] target    number of the shard that the units went to
-- ARGV[3] sequence  of the move
--
-- Returns 1, or 0 when it was noted before, or the source is of another epoch.

local sale = fixed_keys()
local epoch, target, sequence = fixed_args()
local field = 'to:' .. target
local found_epoch, last = unpack(redis.call('HMGET', sale, 'epoch', field))
if found_epoch ~= epoch then return 0 end
local found_sequence, under_way = string.match(last or '0 0', '^(%d+) (%d+)$')
if found_sequence ~= sequence or under_way == '0' then return 0 end
redis.call('HSET', sale, field, sequence .. ' 0')
return 1
