-- Writes into a reservation what became of it in the database; a status only ever moves on, so repeats do nothing.
--
-- KEYS[1] reservation  hash
-- KEYS[2] undecided    sorted set
--
-- ARGV[1] reservation id
-- ARGV[2] new status: ORDERED or PAID
-- ARGV[3] order id
--
-- Returns SETTLED, or NOTHING when the reservation is unknown or already as far.

local status = redis.call('HGET', KEYS[1], 'status')
if status ~= 'RESERVED' and not (status == 'ORDERED' and ARGV[2] == 'PAID') then return 'NOTHING' end
redis.call('HSET', KEYS[1], 'status', ARGV[2], 'order_id', ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[1])
return 'SETTLED'
