#!lua flags=allow-oom
-- Takes over pending entries that have waited too long, by moving them to the present: the gateway that wrote an entry
-- can then no longer end it, and no other resender sees it until it is old again.
--
-- KEYS[1] pending  sorted set by time, see reserve.lua
--
-- ARGV[1] age_ms       least age
-- ARGV[2] entries_max
--
-- Returns a list of new time, reservation's id and buyer, new time, …

local pending = fixed_keys()
local age_ms, entries_max = fixed_args()
require_right('ZADD', pending, 0, '')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claimed = {}

local function claim(from, to)
  local most = entries_max - #claimed / 2
  if most <= 0 then return end
  local entries = redis.call('ZRANGE', pending, from, to, 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
  for i = 1, #entries, 2 do
    -- Always another time, by which the gateway that wrote it sees that it is no longer its own.
    local at = tonumber(entries[i + 1]) == now and now + 1 or now
    claimed[#claimed + 1] = string.format('%d', at)
    claimed[#claimed + 1] = entries[i]
  end
end

claim('-inf', string.format('%d', now - age_ms))
-- Entries from a time to come were written while the server's clock ran ahead (with a second of leeway, for a clock
-- that is being set), and say nothing of their age.
claim(string.format('(%d', now + 1000), '+inf')
if #claimed > 0 then redis.call('ZADD', pending, unpack(claimed)) end
return claimed
