-- Ends a reservation without a sale and gives the buyer the right to buy again. At most once per reservation.
--
-- KEYS[1] sale         hash, see close.lua
-- KEYS[2] buyer        string: id of the reservation that the buyer has
-- KEYS[3] reservation  hash
-- KEYS[4] pending      stream
-- KEYS[5] undecided    sorted set
--
-- ARGV[1] id
-- ARGV[2] status      the final one: REJECTED, or CANCELLED or REFUNDED when it had become an order
-- ARGV[3] reason      or ''
-- ARGV[4] give_back   1 when the unit goes back to the stock, 0 when the database found that it never was there
-- ARGV[5] entry       id of the pending entry that must still be the caller's, or '' when the database has decided
-- ARGV[6] channel     on which changes are published: RELEASED when units came back, else ENDED, and the reservation's id
-- ARGV[7] buyer_id
-- ARGV[8] quantity
--
-- Returns RELEASED; CLAIMED when a resender has taken the pending entry over (the message may be on its way); NOTHING when
-- the reservation is unknown (a rejection is written down all the same) or ended already; CLOSED when the order's unit has
-- to wait for the sale to open.

local sale, buyer, reservation, pending, undecided = fixed_keys()
local id, status, reason, give_back, entry, channel, buyer_id, quantity = fixed_args()
local epoch, run_id, expires_at_ms = unpack(redis.call('HMGET', sale, 'epoch', 'run_id', 'expires_at_ms'))
local was_order = status ~= 'REJECTED'
-- The rebuild of the sale counts this unit as free, or has it given back once the sale is open; see fence-sale.ts.
if was_order and (not run_id or run_id == '') then return 'CLOSED' end
local found_status, found_quantity, found_epoch = unpack(redis.call('HMGET', reservation, 'status', 'quantity', 'epoch'))
local is_holder = redis.call('GET', buyer) == id
require_right('HSET', reservation, 'status', status)
require_right('PEXPIREAT', reservation, 0)
require_right('XDEL', pending, '0-1')
require_right('HINCRBY', sale, 'stock', 1)
require_right('DEL', buyer)
require_right('ZREM', undecided, id)

-- Redis has lost it, but its message arrived: written down, so that the buyer finds the answer.
if not found_status and status == 'REJECTED' and expires_at_ms then
  redis.call('HSET', reservation, 'status', status, 'reason', reason, 'buyer_id', buyer_id, 'quantity', quantity, 'epoch', epoch, 'reserved_at_ms', 0)
  redis.call('PEXPIREAT', reservation, expires_at_ms)
end
-- Of a refunded order Redis may never have learned that it was paid, or was an order at all.
local is_live = found_status == 'RESERVED' or found_status == 'ORDERED' or (found_status == 'PAID' and status == 'REFUNDED')
if not is_live then return 'NOTHING' end
if entry ~= '' and redis.call('XDEL', pending, entry) == 0 then return 'CLAIMED' end

redis.call('HSET', reservation, 'status', status, 'reason', reason)
-- What was not sold when the sale was rebuilt counts as free already: only a unit of this epoch goes back without an order.
local gives_back = give_back == '1' and (was_order or found_epoch == epoch)
if gives_back then redis.call('HINCRBY', sale, 'stock', found_quantity) end
if is_holder then redis.call('DEL', buyer) end
redis.call('ZREM', undecided, id)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, (gives_back and 'RELEASED ' or 'ENDED ') .. id)
return 'RELEASED'
