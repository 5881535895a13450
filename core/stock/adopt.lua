#!lua
-- Takes an open ledger over into the next epoch of its sale, in which other shards are rebuilt; it goes on selling.
-- Moves between shards end with the epoch: units under way are missing here, and count among those of the rebuilt
-- shards.
--
-- KEYS[1] sale     hash, see close.lua; its field "built_epoch" is the epoch in which this ledger was built, absent
--                  while that is the epoch
--
-- ARGV[1] epoch    the next one
-- ARGV[2] found    the one that the ledger is open under
-- ARGV[3] run_id   of the server
-- ARGV[4] rebuilt  numbers of the rebuilt shards, with a blank between two; their moves begin anew
--
-- Returns ADOPTED, or STALE when the ledger is not open under that epoch any more.

local sale = fixed_keys()
local epoch, found, run_id, rebuilt = fixed_args()
local found_epoch, found_run_id, built_epoch = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'built_epoch'))
if found_epoch ~= found or found_run_id ~= run_id then return 'STALE' end
local fields = { 'epoch', epoch, 'built_epoch', built_epoch or found_epoch }
local function set(field, value) fields[#fields + 1], fields[#fields + 2] = field, value end
local ledger = redis.call('HGETALL', sale)
for i = 1, #ledger, 2 do
  local sequence = string.match(ledger[i], '^to:') and string.match(ledger[i + 1], '^%d+')
  if sequence then set(ledger[i], sequence .. ' 0') end
end
for shard in string.gmatch(rebuilt, '%d+') do set('from:' .. shard, '0') end
redis.call('HSET', sale, unpack(fields))
return 'ADOPTED'
