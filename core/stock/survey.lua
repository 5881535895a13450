#!lua flags=no-writes
-- Tells whether a sale is sold out, and if so, which buyers may have a reservation of it.
--
-- KEYS[1] sale     hash, see close.lua
-- KEYS[2] holders  bit string, see holders.ts
--
-- Returns {units left, holders}; holders is '' while units are left, and both are '' when the sale is closed.

local sale, holders = fixed_keys()
local left, run_id = unpack(redis.call('HMGET', sale, 'stock', 'run_id'))
if not left or run_id == '' then return { '', '' } end
if left ~= '0' then return { left, '' } end
return { left, redis.call('GET', holders) or '' }
