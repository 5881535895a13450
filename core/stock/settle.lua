#!lua flags=allow-oom
-- Notes what became of reservations of one sale in the database; a status only ever moves on, so repeats do nothing.
-- Several in one call, with one command of each kind for all of them.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] orders     hash: notes by reservation, see book.lua
-- KEYS[3] undecided  sorted set
--
-- ARGV[1] note       the same of all: one for each would cost as much again as the reservation's name
-- ARGV[2] channel    on which changes are published
-- ARGV[3] change     what is published: SETTLED, the sale, and the ids of the reservations
-- and then for each reservation
--   member           its name in the sorted sets
--
-- Returns how many were settled; the others are already as far.

local sale, orders, undecided = fixed_keys()
local note, channel, change = fixed_args()
local member = lists_of_args()
local expires_at_ms = redis.call('HGET', sale, 'expires_at_ms')
if not expires_at_ms then return 0 end
require_right('HSET', orders, '', '')
require_right('PEXPIREAT', orders, expires_at_ms)
redis.call('HLEN', orders) -- Fails before the first write if it is no hash.

local decided = redis.call('ZREM', undecided, unpack(member))
-- Nothing is noted of what was undecided, so that most calls need not ask.
local known = decided < item_count and redis.call('HMGET', orders, unpack(member)) or {}
local is_paid = string.find(note, '^PAID')
local entries, count = {}, 0
for i = 1, item_count do
  if not known[i] or (is_paid and known[i] ~= note) then
    entries[2 * count + 1], entries[2 * count + 2] = member[i], note
    count = count + 1
  end
end
if count == 0 then return 0 end
redis.call('HSET', orders, unpack(entries))
redis.call('PEXPIREAT', orders, expires_at_ms)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, change)
return count
