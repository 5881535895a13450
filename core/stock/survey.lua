-- Tells whether a sale is sold out, and then who may hold a reservation of it.
--
-- KEYS[1] sale     hash, see close.lua
-- KEYS[2] holders  bit string, see holders.ts
--
-- Returns {units left, holders}; holders is '' while units are left, and both are '' when the door is closed.

local sale = redis.call('HMGET', KEYS[1], 'stock', 'run_id')
local left = sale[1]
if not left or sale[2] == '' then return { '', '' } end
if left ~= '0' then return { left, '' } end
return { left, redis.call('GET', KEYS[2]) or '' }
