#!lua flags=allow-oom
-- Ends a reservation without a sale, so that its units no longer count towards the buyer's limit. At most once for
-- each.
--
-- KEYS[1] sale         hash, see close.lua
-- KEYS[2] book         hash: reservations by buyer, see book.lua
-- KEYS[3] pending      sorted set
-- KEYS[4] undecided    sorted set
-- KEYS[5] orders       hash, see settle.lua
--
-- ARGV[1] id
-- ARGV[2] buyer_id
-- ARGV[3] quantity
-- ARGV[4] status      the final one: REJECTED, or CANCELLED or REFUNDED when it had become an order
-- ARGV[5] reason      or ''
-- ARGV[6] give_back   1 when the unit goes back to the stock, 0 when the database found that it never was there
-- ARGV[7] entry       time of the pending entry that must still be the caller's, or '' when the database has decided
-- ARGV[8] channel     on which changes are published: RELEASED when units came back, else ENDED, the sale, and the id
-- ARGV[9] subject     the sale, as its reservations' ids begin
--
-- Returns RELEASED; CLAIMED when a resender has taken the pending entry over (the message may be on its way); NOTHING
-- when the reservation is unknown (a rejection is written down all the same) or ended already; CLOSED when the order's
-- unit has to wait for the sale to open.

local sale, book, pending, undecided, orders = fixed_keys()
local id, buyer_id, quantity, status, reason, give_back, entry, channel, subject = fixed_args()
local epoch, run_id, expires_at_ms, built_epoch = unpack(
  redis.call('HMGET', sale, 'epoch', 'run_id', 'expires_at_ms', 'built_epoch')
)
local was_order = status ~= 'REJECTED'
-- The rebuild of the sale counts this unit as free, or has it given back once the sale is open; see fence-sale.ts.
if was_order and (not run_id or run_id == '') then return 'CLOSED' end
local reservations = reservations_in(redis.call('HGET', book, buyer_id))
local reservation = find_reservation(reservations, id)
if reservation then add_order(orders, reservation, buyer_id) end
local member = member_of(id, buyer_id)
local found_entry = redis.call('ZSCORE', pending, member)
redis.call('ZSCORE', undecided, member) -- Fails before the first write if it is no sorted set.
require_right('HSET', book, '', '')
require_right('PEXPIREAT', book, 0)
require_right('ZREM', pending, '')
require_right('HINCRBY', sale, 'stock', 1)
require_right('ZREM', undecided, '')

-- Redis has lost it, but its message arrived: written down, so that the buyer finds the answer.
if not reservation and status == 'REJECTED' and expires_at_ms then
  reservations[#reservations + 1] = { id, status, '', reason, quantity, epoch, '', '', '', '0' }
  drop_oldest_ended(reservations)
  redis.call('HSET', book, buyer_id, record_of(reservations))
  redis.call('PEXPIREAT', book, expires_at_ms)
end
-- Of a refunded order Redis may never have learned that it was paid, or was an order at all.
local found_status = reservation and reservation[STATUS]
local is_live = found_status == 'RESERVED' or found_status == 'ORDERED'
  or (found_status == 'PAID' and status == 'REFUNDED')
if not is_live then return 'NOTHING' end
if entry ~= '' and found_entry ~= entry then return 'CLAIMED' end

reservation[STATUS], reservation[REASON] = status, reason
if reason == 'UNPAID' then
  local time = redis.call('TIME')
  note_lapse(reservation, string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000)))
end
redis.call('HSET', book, buyer_id, record_of(reservations))
-- What was not sold when the ledger was rebuilt counts as free already: only a unit that was taken since goes back
-- without an order.
local is_of_ledger = (tonumber(reservation[EPOCH]) or 0) >= tonumber(built_epoch or epoch or math.huge)
local gives_back = give_back == '1' and (was_order or is_of_ledger)
if gives_back then redis.call('HINCRBY', sale, 'stock', reservation[QUANTITY]) end
redis.call('ZREM', pending, member)
redis.call('ZREM', undecided, member)
-- By pcall: a message on the channel may get lost, so the right to send it must not decide what is returned.
redis.pcall('PUBLISH', channel, (gives_back and 'RELEASED ' or 'ENDED ') .. subject .. ' ' .. id)
return 'RELEASED'
