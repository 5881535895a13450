-- Writes into reservations of one sale what became of them in the database; a status only ever moves on, so repeats do
-- nothing. Several in one call, because most of what a call of one costs is the call.
--
-- KEYS[1] undecided  sorted set
-- and then for each reservation
--   reservation      hash
--
-- ARGV[1] new status: ORDERED or PAID
-- ARGV[2] channel on which changes are told: SETTLED, and the ids of those that were
-- and then for each reservation: its id, order id
--
-- Returns how many were settled; the others are unknown or already as far.

require_right('ZREM', KEYS[1], '')
local settled = {}
for i = 2, #KEYS do
  local id, order_id = ARGV[i * 2 - 1], ARGV[i * 2]
  local status = redis.call('HGET', KEYS[i], 'status')
  if status == 'RESERVED' or (status == 'ORDERED' and ARGV[1] == 'PAID') then
    redis.call('HSET', KEYS[i], 'status', ARGV[1], 'order_id', order_id)
    settled[#settled + 1] = id
  end
end
if #settled > 0 then
  redis.call('ZREM', KEYS[1], unpack(settled))
  -- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
  redis.pcall('PUBLISH', ARGV[2], 'SETTLED ' .. table.concat(settled, ' '))
end
return #settled
