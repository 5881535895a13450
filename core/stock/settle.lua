#!lua flags=allow-oom
-- Writes into reservations of one sale what became of them in the database; a status only ever moves on, so repeats do
-- nothing. Several in one call, with one command of each kind for all of them.
--
-- KEYS[1] book       hash: reservations by buyer, see book.lua
-- KEYS[2] undecided  sorted set
--
-- ARGV[1] status     the new one: ORDERED or PAID
-- ARGV[2] channel    on which changes are published: SETTLED, the sale, and the ids of those that were
-- ARGV[3] subject    the sale, as its reservations' ids begin
-- and then for each reservation
--   id
--   buyer_id
--   order_id
--
-- Returns how many were settled; the others are unknown or already as far.

local book, undecided = fixed_keys()
local status, channel, subject = fixed_args()
local ids, buyers, order_ids = {}, {}, {}
for i = 1, item_count do
  local id, buyer_id, order_id = args_of(i)
  ids[i], buyers[i], order_ids[i] = id, buyer_id, order_id
end
local records = redis.call('HMGET', book, unpack(buyers))
local new_records, entries, members, settled, count = {}, {}, {}, {}, 0

for i = 1, item_count do
  local id, buyer_id = ids[i], buyers[i]
  local record = new_records[buyer_id] or records[i]
  local at, earlier, rest_at = find_line(record, id)
  if earlier == 'RESERVED' or (earlier == 'ORDERED' and status == 'PAID') then
    local line = id .. '\t' .. status .. '\t' .. order_ids[i] .. '\t' .. string.sub(record, rest_at)
    if at > 1 then line = string.sub(record, 1, at - 1) .. line end
    new_records[buyer_id] = line
    entries[2 * count + 1], entries[2 * count + 2] = buyer_id, line
    count = count + 1
    members[count], settled[count] = member_of(id, buyer_id), id
  end
end

if count == 0 then return 0 end
require_right('HSET', book, '', '')
require_right('ZREM', undecided, '')
redis.call('ZCARD', undecided) -- Fails before the first write if it is no sorted set.
redis.call('HSET', book, unpack(entries))
redis.call('ZREM', undecided, unpack(members))
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, 'SETTLED ' .. subject .. ' ' .. table.concat(settled, ' '))
return count
