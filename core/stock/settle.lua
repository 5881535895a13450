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
local orders, buyers = {}, {}
for i = 1, item_count do
  local id, buyer_id, order_id = args_of(i)
  orders[i] = { id = id, buyer_id = buyer_id, order_id = order_id }
  buyers[i] = buyer_id
end
local records = redis.call('HMGET', book, unpack(buyers))
local held, settled, members = {}, {}, {}

local function settle(i)
  local order = orders[i]
  local reservations = held[order.buyer_id] or reservations_in(records[i])
  held[order.buyer_id] = reservations
  local reservation = find_reservation(reservations, order.id)
  local earlier = reservation and reservation[STATUS]
  if earlier == 'RESERVED' or (earlier == 'ORDERED' and status == 'PAID') then
    reservation[STATUS], reservation[ORDER_ID] = status, order.order_id
    settled[#settled + 1] = order
    members[#members + 1] = member_of(order.id, order.buyer_id)
  end
end

for i = 1, item_count do settle(i) end
if #settled == 0 then return 0 end
require_right('HSET', book, '', '')
require_right('ZREM', undecided, '')
redis.call('ZCARD', undecided) -- Fails before the first write if it is no sorted set.
local entries, ids = {}, {}
for i, order in ipairs(settled) do
  ids[i] = order.id
  if held[order.buyer_id] then
    entries[#entries + 1] = order.buyer_id
    entries[#entries + 1] = record_of(held[order.buyer_id])
    held[order.buyer_id] = nil
  end
end
redis.call('HSET', book, unpack(entries))
redis.call('ZREM', undecided, unpack(members))
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, 'SETTLED ' .. subject .. ' ' .. table.concat(ids, ' '))
return #settled
