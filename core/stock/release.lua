-- Ends a reservation without a sale and gives the buyer the right to buy again. At most once per reservation.
--
-- KEYS[1] sale         hash, see close.lua
-- KEYS[2] buyer        string: id of the reservation the buyer holds
-- KEYS[3] reservation  hash
-- KEYS[4] pending      stream
-- KEYS[5] undecided    sorted set
--
-- ARGV[1] reservation id
-- ARGV[2] final status: REJECTED, or CANCELLED or REFUNDED when it had become an order
-- ARGV[3] reason, or ''
-- ARGV[4] 1 when the unit goes back to the stock, 0 when the database found that it never was there
-- ARGV[5] id of the pending entry that must still be ours to end, or '' when the database has decided
-- ARGV[6] channel on which changes are told: RELEASED when units came back, else ENDED, and the reservation's id
-- ARGV[7] buyer id
-- ARGV[8] quantity
--
-- Returns RELEASED; CLAIMED when a resender has taken the pending entry over (the message may be on its way);
-- NOTHING when the reservation is unknown (a rejection is written down all the same) or ended already; CLOSED when the order's unit has to wait for the door to open.

local sale = redis.call('HMGET', KEYS[1], 'epoch', 'run_id', 'expires_at_ms')
local was_order = ARGV[2] ~= 'REJECTED'
-- Whoever rebuilds the sale either counted this unit as free or will have it given back; see fence-sale.ts.
if was_order and (not sale[2] or sale[2] == '') then return 'CLOSED' end
local found = redis.call('HMGET', KEYS[3], 'status', 'quantity', 'epoch')
local is_holder = redis.call('GET', KEYS[2]) == ARGV[1]
require_right('HSET', KEYS[3], 'status', ARGV[2])
require_right('PEXPIREAT', KEYS[3], 0)
require_right('XDEL', KEYS[4], '0-1')
require_right('HINCRBY', KEYS[1], 'stock', 1)
require_right('DEL', KEYS[2])
require_right('ZREM', KEYS[5], ARGV[1])

-- Redis forgot it, its message came all the same: whoever asks gets the answer.
if not found[1] and ARGV[2] == 'REJECTED' and sale[3] then
  redis.call('HSET', KEYS[3], 'status', ARGV[2], 'reason', ARGV[3], 'buyer_id', ARGV[7], 'quantity', ARGV[8], 'epoch', sale[1], 'reserved_at_ms', 0)
  redis.call('PEXPIREAT', KEYS[3], sale[3])
end
-- Redis may never have heard that a refunded order was paid, or an order at all.
local is_live = found[1] == 'RESERVED' or found[1] == 'ORDERED' or (found[1] == 'PAID' and ARGV[2] == 'REFUNDED')
if not is_live then return 'NOTHING' end
if ARGV[5] ~= '' and redis.call('XDEL', KEYS[4], ARGV[5]) == 0 then return 'CLAIMED' end

redis.call('HSET', KEYS[3], 'status', ARGV[2], 'reason', ARGV[3])
-- What was not sold when the sale was rebuilt counts as free already: only a unit of this epoch goes back without an order.
local gives_back = ARGV[4] == '1' and (was_order or found[3] == sale[1])
if gives_back then redis.call('HINCRBY', KEYS[1], 'stock', found[2]) end
if is_holder then redis.call('DEL', KEYS[2]) end
redis.call('ZREM', KEYS[5], ARGV[1])
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', ARGV[6], (gives_back and 'RELEASED ' or 'ENDED ') .. ARGV[1])
return 'RELEASED'
