#!lua
-- Admits those who stand first in the lines and are present, as many as rate and free room allow. While both lines have
-- people, members get their share; the share of an empty line goes to the other. An absent buyer gives way to the next,
-- and keeps their place for a while. The script uses Redis' clock and what is written here alone, so that any number of
-- processes may call it: together they admit no more than one does.
--
-- KEYS[1] sale         hash, see core/stock/close.lua
-- KEYS[2] room         hash, see attend.lua: admits_from_ms (up to then the rate is used up), counted (admissions since
--                      counted_from_ms), per_second (as measured before it), credit (of the members' line, in percent)
-- KEYS[3] line         sorted set by place
-- KEYS[4] members      sorted set by place
-- KEYS[5] seen         sorted set by time
-- KEYS[6] away         sorted set by time
-- KEYS[7] kept         sorted set by place
-- KEYS[8] admitted     sorted set by the end of the admission
-- KEYS[9] outstanding  sorted set by time: the same buyers without those who have bought
-- KEYS[10] blacklist   set of buyer ids: they lose their place
--
-- ARGV[1] interval_ms     between two admissions; 0 when the rate is not limited
-- ARGV[2] batch_ms        for so long unused admissions are made up for
-- ARGV[3] free            for so many more there is room; '' when that is not limited
-- ARGV[4] admitted_then   in all, when the free room was counted
-- ARGV[5] admission_ms    how long an admission is valid
-- ARGV[6] absent_ms       without a sign of life for so long, a buyer is absent; '' when they need not be present
-- ARGV[7] kept_ms         how long the place of an absent buyer is kept
-- ARGV[8] members_share   percent of the admissions; '' for no share: in the order of the places
-- ARGV[9] steps_max       people who are looked at in one call
--
-- Returns {admitted, absent, 1 when there is more to do at once}

local sale, room, line, members, seen, away, kept, admitted, outstanding, blacklist = fixed_keys()
local interval_ms, batch_ms, free, admitted_then, admission_ms, absent_ms, kept_ms, members_share, steps_max =
  fixed_args()
-- A purchase that was sent within the admission may be under way for so long.
local PURCHASE_MS = 5000
local COUNTED_MS = 10000
local READ_AT_ONCE = 50

local opens_at_ms, closes_at_ms, stopped, run_id, expires_at_ms = unpack(redis.call(
  'HMGET', sale, 'opens_at_ms', 'closes_at_ms', 'stopped', 'run_id', 'expires_at_ms'
))
local shuffled, admits_from, counted, counted_from, admitted_in_all, credit = unpack(redis.call(
  'HMGET', room, 'shuffled_at_ms', 'admits_from_ms', 'counted', 'counted_from_ms', 'admitted', 'credit'
))
if not run_id or not shuffled then return { 0, 0, 0 } end
local now = now_ms()
steps_max = tonumber(steps_max)

local absent = 0
local function gives_way(who, place, own)
  redis.call('ZADD', kept, place, who)
  redis.call('ZADD', away, now, who)
  redis.call('ZREM', own, who)
  redis.call('ZREM', seen, who)
  absent = absent + 1
end

local needs_presence = absent_ms ~= ''
local stale = needs_presence
  and redis.call('ZRANGE', seen, '-inf', now - absent_ms, 'BYSCORE', 'LIMIT', 0, steps_max) or {}
for _, who in ipairs(stale) do
  local own = redis.call('ZSCORE', members, who) and members or line
  local place = redis.call('ZSCORE', own, who)
  if place then gives_way(who, place, own) else redis.call('ZREM', seen, who) end
end
for _, who in ipairs(redis.call('ZRANGE', away, '-inf', now - kept_ms, 'BYSCORE', 'LIMIT', 0, steps_max)) do
  redis.call('ZREM', away, who)
  redis.call('ZREM', kept, who)
end
redis.call('ZREMRANGEBYSCORE', admitted, '-inf', now)
redis.call('ZREMRANGEBYSCORE', outstanding, '-inf', now)

local budget = steps_max
local from = math.max(tonumber(admits_from), now - batch_ms)
-- The server's clock has stepped back.
if from > now + interval_ms then from = now end
if interval_ms ~= '0' then budget = math.min(budget, math.floor((now - from) / interval_ms)) end
if free ~= '' then budget = (admitted_in_all or '0') == admitted_then and math.min(budget, tonumber(free)) or 0 end
local is_open = run_id ~= '' and stopped ~= '1' and now >= tonumber(opens_at_ms) and now < tonumber(closes_at_ms)
if not is_open then budget = 0 end

-- Its first people, read some at a time: each is taken out of the line before the next are read.
local function front_of(own)
  return { own = own, read = {}, next = 1 }
end
local function first_in(front)
  if not front.is_empty and not front.read[front.next] then
    front.read, front.next = redis.call('ZRANGE', front.own, 0, math.min(READ_AT_ONCE, budget) - 1, 'WITHSCORES'), 1
    front.is_empty = #front.read == 0
  end
  return front.read[front.next], front.read[front.next + 1]
end

credit = tonumber(credit or 0)
local fronts = { line = front_of(line), members = front_of(members) }
local function next_front()
  local who, place = first_in(fronts.line)
  local member, members_place = first_in(fronts.members)
  if not who or not member then return member and fronts.members or who and fronts.line end
  if members_share == '' then
    return tonumber(members_place) < tonumber(place) and fronts.members or fronts.line
  end
  return credit + members_share >= 100 and fronts.members or fronts.line, true
end

local admissions, steps = 0, 0
while admissions < budget and steps < steps_max do
  local front, is_shared = next_front()
  if not front then break end
  local who, place = first_in(front)
  front.next = front.next + 2
  local seen_at = tonumber(redis.call('ZSCORE', seen, who) or 0)
  -- One of a time to come was written before the clock stepped back, and proves nothing.
  if redis.call('SISMEMBER', blacklist, who) == 1 then
    -- Put there while they waited: an admission would keep a unit from the next, who may buy.
    redis.call('ZREM', front.own, who)
    redis.call('ZREM', seen, who)
  elseif needs_presence and (seen_at <= now - absent_ms or seen_at > now + 1000) then
    gives_way(who, place, front.own)
  else
    redis.call('ZADD', admitted, now + admission_ms, who)
    redis.call('ZADD', outstanding, now + admission_ms + PURCHASE_MS, who)
    redis.call('ZREM', front.own, who)
    redis.call('ZREM', seen, who)
    admissions = admissions + 1
    -- An absent buyer uses nothing of the share.
    if is_shared then credit = credit + members_share - (front == fronts.members and 100 or 0) end
  end
  steps = steps + 1
end

redis.call('HINCRBY', room, 'admitted', admissions)
counted = counted + admissions
local counted_ms = now - counted_from
if counted_ms >= COUNTED_MS or counted_ms < 0 then
  if counted_ms > 0 then redis.call('HSET', room, 'per_second', string.format('%.2f', counted * 1000 / counted_ms)) end
  counted, counted_from = 0, now
end
redis.call(
  'HSET', room, 'admits_from_ms', string.format('%.3f', from + admissions * interval_ms),
  'counted', counted, 'counted_from_ms', string.format('%d', counted_from), 'credit', credit
)
for _, key in ipairs({ away, kept, admitted, outstanding }) do redis.call('PEXPIREAT', key, expires_at_ms) end
return { admissions, absent, (#stale == steps_max or (steps == steps_max and admissions < budget)) and 1 or 0 }
