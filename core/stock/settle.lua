-- Writes into reservations of one sale what became of them in the database; a status only ever moves on, so repeats do
-- nothing. Several in one call, because most of what a call of one costs is the call.
--
-- KEYS[1] undecided  sorted set
-- and then for each reservation
--   reservation      hash
--
-- ARGV[1] status     the new one: ORDERED or PAID
-- ARGV[2] channel    on which changes are published: SETTLED, and the ids of those that were
-- and then for each reservation
--   id
--   order_id
--
-- Returns how many were settled; the others are unknown or already as far.

local undecided = fixed_keys()
local status, channel = fixed_args()
require_right('ZREM', undecided, '')
local settled = {}
for i = 1, item_count do
  local reservation = keys_of(i)
  local id, order_id = args_of(i)
  local earlier = redis.call('HGET', reservation, 'status')
  if earlier == 'RESERVED' or (earlier == 'ORDERED' and status == 'PAID') then
    redis.call('HSET', reservation, 'status', status, 'order_id', order_id)
    settled[#settled + 1] = id
  end
end
if #settled > 0 then
  redis.call('ZREM', undecided, unpack(settled))
  -- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
  redis.pcall('PUBLISH', channel, 'SETTLED ' .. table.concat(settled, ' '))
end
return #settled
