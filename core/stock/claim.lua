-- Takes over pending entries that have waited too long, by moving them to the end of the stream under a new id: the
-- gateway that wrote an entry can then no longer end it, and no other resender sees it for a while.
--
-- KEYS[1] pending  stream
--
-- ARGV[1] least age in ms
-- ARGV[2] most entries
--
-- Returns a list of {new entry id, reservation id}.

require_right('XADD', KEYS[1], '*', 'reservation_id', '')
local time = redis.call('TIME')
local newest = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local claimed = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', string.format('%d', newest), 'COUNT', ARGV[2])) do
  local reservation_id = entry[2][2]
  redis.call('XDEL', KEYS[1], entry[1])
  claimed[#claimed + 1] = { redis.call('XADD', KEYS[1], '*', 'reservation_id', reservation_id), reservation_id }
end
return claimed
