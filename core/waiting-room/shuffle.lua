#!lua
-- Gives buyers who came before the opening their places in the line. Once all have one, the seed is published and the
-- room admits. Any number of processes may do so at a time, and go on where another was killed.
--
-- KEYS[1] sale   hash, see core/stock/close.lua
-- KEYS[2] room   hash, see attend.lua
-- KEYS[3] early  sorted set
-- KEYS[4] early_members  set
-- KEYS[5] line     sorted set by place
-- KEYS[6] members  sorted set by place
-- KEYS[7] seen     sorted set
--
-- ARGV[1] seed
-- ARGV[2] gather_ms  see room.lua
-- and then for each buyer
--   buyer
--   place
--
-- Returns NOT_YET before the opening, by Redis' clock; MORE while buyers without a place are left; then SHUFFLED.

local sale, room, early, early_members, line, members, seen = fixed_keys()
local seed, gather_ms = fixed_args()
local buyer, place = lists_of_args()
local epoch, opens_at_ms, expires_at_ms = unpack(redis.call('HMGET', sale, 'epoch', 'opens_at_ms', 'expires_at_ms'))
if not epoch then return 'NOT_YET' end
local now = now_ms()
local _, gathers_until, shuffled = room_of(room, epoch, opens_at_ms, now, gather_ms)
if shuffled then return 'SHUFFLED' end
if now < gathers_until then return 'NOT_YET' end

for i = 1, item_count do
  local seen_at = redis.call('ZSCORE', early, buyer[i])
  if seen_at then
    local is_member = redis.call('SREM', early_members, buyer[i]) == 1
    redis.call('ZADD', is_member and members or line, place[i], buyer[i])
    redis.call('ZADD', seen, seen_at, buyer[i])
    redis.call('ZREM', early, buyer[i])
  end
end
local is_over = redis.call('ZCARD', early) == 0
if is_over then
  local at = string.format('%d', now)
  redis.call(
    'HSET', room, 'shuffled_at_ms', at, 'seed', seed, 'admits_from_ms', at, 'counted_from_ms', at, 'counted', 0
  )
end
for _, key in ipairs({ room, line, members, seen }) do redis.call('PEXPIREAT', key, expires_at_ms) end
return is_over and 'SHUFFLED' or 'MORE'
