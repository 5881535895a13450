#!lua flags=allow-oom
-- Adds the units of a move to the shard that they go to, once for each move.
--
-- KEYS[1] sale      hash of the target, see close.lua. Its field "from:<shard>" is the sequence of the last move that has
--                   arrived from that shard.
--
-- ARGV[1] epoch     of the move: the rebuild of a sale counts units under way as free
-- ARGV[2] run_id    of the server
-- ARGV[3] source    number of the shard that the units come from
-- ARGV[4] sequence  of the move
-- ARGV[5] units
-- ARGV[6] channel   on which changes are published: RELEASED
-- ARGV[7] subject   the ledger, as its reservations' ids begin
--
-- Returns 1 when the move has arrived, now or before; 0 when the target is closed or of another epoch.

local sale = fixed_keys()
local epoch, run_id, source, sequence, units, channel, subject = fixed_args()
local field = 'from:' .. source
local found_epoch, found_run_id, stock, last = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'stock', field))
if found_epoch ~= epoch or found_run_id ~= run_id then return 0 end
if tonumber(last or 0) >= tonumber(sequence) then return 1 end
redis.call('HSET', sale, 'stock', string.format('%d', stock + units), field, sequence)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, 'RELEASED ' .. subject)
return 1
