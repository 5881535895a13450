-- Takes over pending entries that have waited too long, by moving them to the end of the stream under a new id: the
-- gateway that wrote an entry can then no longer end it, and no other resender sees it until it is old again.
--
-- KEYS[1] pending  stream, see reserve.lua
--
-- ARGV[1] age_ms       least age
-- ARGV[2] entries_max
--
-- Returns a list of {new entry id, reservation id}.

local pending = fixed_keys()
local age_ms, entries_max = fixed_args()
require_right('XADD', pending, '*', 'reservation_id', '')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local newest = now - age_ms
local claimed = {}

local function claim(entry)
  local reservation_id = entry[2][2]
  redis.call('XDEL', pending, entry[1])
  local id = redis.call('XADD', pending, '*', 'reservation_id', reservation_id, 'at_ms', string.format('%d', now))
  claimed[#claimed + 1] = { id, reservation_id }
end

local function range(from, to)
  local most = entries_max - #claimed
  return most > 0 and redis.call('XRANGE', pending, from, to, 'COUNT', most) or {}
end

for _, entry in ipairs(range('-', string.format('%d', newest))) do claim(entry) end
-- The ids of a stream only ever rise. Once the server's clock has run ahead, those of all later entries do, too, and say
-- nothing of their age until the clock has caught up. Then an entry's own time counts; one that lies ahead as well (with a
-- second of leeway, for a clock that is being set) was written in that very moment.
for _, entry in ipairs(range(string.format('%d', now + 1000), '+')) do
  local at = tonumber(entry[2][4] or 0)
  if at <= newest or at > now + 1000 then claim(entry) end
end
return claimed
