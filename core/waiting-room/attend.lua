#!lua
-- Takes signs of life of buyers in the waiting room of a sale, and answers where each stands. A buyer who was absent
-- gets their place back; one who has none takes one.
--
-- KEYS[1] sale      hash, see core/stock/close.lua
-- KEYS[2] room      hash: created_at_ms, gathers_until_ms (see room.lua); shuffled_at_ms, seed (both from the shuffle
--                   on); sequence (of places after it); admitted (in all); admits_from_ms, counted, counted_from_ms,
--                   per_second (see admit.lua)
-- KEYS[3] early     sorted set by time of the last sign of life: buyers who came before the opening, until the shuffle
-- KEYS[4] early_members  set of those among them who will stand in the members' line
-- KEYS[5] line      sorted set by place: buyers who wait and are present
-- KEYS[6] members   sorted set by place: the same, in the members' line
-- KEYS[7] seen      sorted set by time of the last sign of life: those of both lines
-- KEYS[8] away      sorted set by time since when: buyers who wait and are absent
-- KEYS[9] kept      sorted set by place: the same buyers
-- KEYS[10] admitted  sorted set by the end of the admission: buyers who were admitted
-- KEYS[11] blacklist  set of buyer ids, who get no place
--
-- ARGV[1] people_max  in the room
-- ARGV[2] gather_ms   see room.lua
-- ARGV[3] is_draw     1 when who comes after the opening gets no place, else 0
-- and then for each buyer
--   buyer
--   is_member  1 for the members' line, else 0
--
-- Returns {} when the sale is not loaded; else a list of the room (name, time of the shuffle, people registered,
-- present, of these in the members' line, absent, admissions a second, seed; '' for what is not known), and then for
-- each buyer REGISTERED, "WAITING <ahead in their line> <place> <1 in the members' line, else 0>", "ADMITTED <end>",
-- FULL, CLOSED (a draw takes no other), or BLACKLISTED.

local sale, room, early, early_members, line, members, seen, away, kept, admitted, blacklist = fixed_keys()
local people_max, gather_ms, is_draw = fixed_args()
local buyer, is_member = lists_of_args()
local epoch, opens_at_ms, expires_at_ms = unpack(redis.call('HMGET', sale, 'epoch', 'opens_at_ms', 'expires_at_ms'))
if not epoch then return {} end
local now = now_ms()
local name, gathers_until, shuffled = room_of(room, epoch, opens_at_ms, now, gather_ms)
local people = redis.call('ZCARD', early) + redis.call('ZCARD', line) + redis.call('ZCARD', members)
  + redis.call('ZCARD', away)
local has_new = false

local function take_place(who, member)
  if redis.call('SISMEMBER', blacklist, who) == 1 then return 'BLACKLISTED' end
  if people >= tonumber(people_max) then return 'FULL' end
  local is_early = not shuffled and now < gathers_until
  if is_draw == '1' and not is_early then return 'CLOSED' end
  people = people + 1
  has_new = true
  if is_early then
    redis.call('ZADD', early, now, who)
    if member then redis.call('SADD', early_members, who) end
    return 'REGISTERED'
  end
  return string.format('%d', FIRST_LATE_PLACE + redis.call('HINCRBY', room, 'sequence', 1))
end

local function standing(who, member)
  local ends = redis.call('ZSCORE', admitted, who)
  if ends and tonumber(ends) > now then return 'ADMITTED ' .. ends end
  if redis.call('ZSCORE', early, who) then
    redis.call('ZADD', early, now, who)
    if member then redis.call('SADD', early_members, who) end
    return 'REGISTERED'
  end
  local own = members
  local place = redis.call('ZSCORE', members, who)
  if not place then
    own = line
    place = redis.call('ZSCORE', line, who)
  end
  if not place then
    if member then own = members end
    place = redis.call('ZSCORE', kept, who)
    if place then
      redis.call('ZREM', kept, who)
      redis.call('ZREM', away, who)
      has_new = true
    else
      place = take_place(who, member)
      if not tonumber(place) then return place end
    end
    redis.call('ZADD', own, place, who)
  end
  redis.call('ZADD', seen, now, who)
  return 'WAITING ' .. redis.call('ZRANK', own, who) .. ' ' .. place .. (own == members and ' 1' or ' 0')
end

local answers = { '' }
for i = 1, item_count do answers[i + 1] = standing(buyer[i], is_member[i] == '1') end
if has_new then
  for _, key in ipairs({ room, early, early_members, line, members, seen }) do
    redis.call('PEXPIREAT', key, expires_at_ms)
  end
end
local per_second, counted, counted_from, seed = unpack(redis.call(
  'HMGET', room, 'per_second', 'counted', 'counted_from_ms', 'seed'
))
-- Before the first count is complete.
if not per_second and counted_from and now - counted_from >= 2000 then
  per_second = string.format('%.2f', counted * 1000 / (now - counted_from))
end
answers[1] = table.concat({
  name, shuffled or '', redis.call('ZCARD', early), redis.call('ZCARD', line) + redis.call('ZCARD', members),
  redis.call('ZCARD', members), redis.call('ZCARD', away), per_second or '', seed or '',
}, ' ')
return answers
