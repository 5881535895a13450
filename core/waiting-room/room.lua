-- Stands in front of every script of this folder (scripts.ts puts it there).
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Places of those who came before the opening are numbers below it (order.ts); later ones count up from it.
local FIRST_LATE_PLACE = 4503599627370496
-- The room, created by the first call. Its time of creation names the line: another name tells buyers that the one they
-- stood in was lost. It begins anew: all who come back within gather_ms are shuffled together, so that the fastest
-- connection gains nothing. @returns that name, until when who comes is shuffled, and when they were shuffled or nil
local function room_of(room, epoch, opens_at_ms, now, gather_ms)
  local created, gathers_until, shuffled = unpack(redis.call(
    'HMGET', room, 'created_at_ms', 'gathers_until_ms', 'shuffled_at_ms'
  ))
  if not created then
    -- An epoch above the first has followed a Redis that was lost.
    gathers_until = (epoch ~= '1' and now >= tonumber(opens_at_ms)) and now + gather_ms or 0
    created = string.format('%d', now)
    redis.call('HSET', room, 'created_at_ms', created, 'gathers_until_ms', string.format('%d', gathers_until))
  end
  return created, math.max(tonumber(gathers_until), tonumber(opens_at_ms)), shuffled or nil
end
