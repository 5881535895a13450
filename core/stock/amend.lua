#!lua
-- Brings the figures of a loaded sale in line with the database, and moves the time at which its data expires. When the
-- stock was changed, the units left change by as much, never below none.
--
-- KEYS[1] sale       hash, see close.lua
-- KEYS[2] blacklist  set of buyer ids
-- KEYS[3] book       hash: purchases by buyer
-- KEYS[4] pending    sorted set
-- KEYS[5] undecided  sorted set
-- KEYS[6] holders    bit string
-- KEYS[7] orders     hash
--
-- ARGV[1] epoch
-- ARGV[2] expires_at_ms  expiry of the sale's data, ms since 1970; never moved to an earlier time, since reservations
--                        refer to it
-- ARGV[3] total          units of the sale, sold ones included
-- ARGV[4] channel        on which changes are published: RELEASED when there are more units than before
-- ARGV[5] subject        the sale, as its reservations' ids begin
-- and then for each figure
--   field
--   value
--
-- Returns the expiry that holds, or '' when the sale is not loaded under that epoch.

local sale, blacklist, book, pending, undecided, holders, orders = fixed_keys()
local epoch, expires_at_ms, total, channel, subject = fixed_args()
local field, value = lists_of_args()
local found_epoch, run_id, found_expiry, found_total, stock = unpack(redis.call(
  'HMGET', sale, 'epoch', 'run_id', 'expires_at_ms', 'total', 'stock'
))
if found_epoch ~= epoch then return '' end

require_right('HSET', sale, 'total', total)
require_right('HSETNX', sale, 'holder_units', found_total)
local all_keys = { sale, blacklist, book, pending, undecided, holders, orders }
for _, key in ipairs(all_keys) do require_right('PEXPIREAT', key, expires_at_ms) end

local by = tonumber(total) - tonumber(found_total)
if by ~= 0 then
  redis.call('HSET', sale, 'total', total)
  -- The holders' bits stay where they are: see holders.ts.
  redis.call('HSETNX', sale, 'holder_units', found_total)
  -- While the sale is closed: open.lua will be told how many are left.
  if run_id ~= '' then
    redis.call('HSET', sale, 'stock', string.format('%d', math.max(0, stock + by)))
    if by > 0 then redis.pcall('PUBLISH', channel, 'RELEASED ' .. subject) end
  end
end
for i = 1, item_count do redis.call('HSET', sale, field[i], value[i]) end

if tonumber(expires_at_ms) < tonumber(found_expiry) then expires_at_ms = found_expiry end
redis.call('HSET', sale, 'expires_at_ms', expires_at_ms)
for _, key in ipairs(all_keys) do redis.call('PEXPIREAT', key, expires_at_ms) end
return expires_at_ms
