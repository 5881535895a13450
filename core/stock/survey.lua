-- Tells whether a sale is sold out, and then who may hold a reservation of it.
--
-- KEYS[1] sale     hash, see load.lua
-- KEYS[2] holders  bit string, see holders.ts
--
-- Returns {units left, holders}; holders is '' while units are left, and both are '' when the sale is not loaded.

local left = redis.call('HGET', KEYS[1], 'stock')
if not left then return { '', '' } end
if left ~= '0' then return { left, '' } end
return { left, redis.call('GET', KEYS[2]) or '' }
