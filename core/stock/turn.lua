#!lua flags=allow-oom
-- Takes or gives back the turn to move units between the shards of a sale. One process at a time moves them: several would
-- draw the last units from one another before a buyer gets them. A process that dies keeps its turn for that time only.
--
-- KEYS[1] sale     hash of shard 0, see close.lua. Its field "turn" is "<token> <end in ms since 1970>", or ''.
--
-- ARGV[1] token    of the caller
-- ARGV[2] turn_ms  how long the turn lasts; 0 gives it back
--
-- Returns 1 when the caller has the turn, or had it and has given it back; else 0.

local sale = fixed_keys()
local token, turn_ms = fixed_args()
local epoch, turn = unpack(redis.call('HMGET', sale, 'epoch', 'turn'))
if not epoch then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, ends = string.match(turn or '', '^(%S+) (%d+)$')
if turn_ms == '0' then
  if holder ~= token then return 0 end
  redis.call('HSET', sale, 'turn', '')
  return 1
end
-- One that ends later than any turn can was taken while the server's clock ran ahead.
local is_taken = holder and tonumber(ends) > now and tonumber(ends) <= now + turn_ms
if is_taken then return 0 end
redis.call('HSET', sale, 'turn', token .. ' ' .. string.format('%d', now + turn_ms))
return 1
