-- Stands in front of every script. Above it scripts.ts puts the four numbers that it counts in the script's header:
-- FIXED_KEYS, FIXED_ARGS, and KEYS_EACH, ARGS_EACH of the part that is repeated "for each" item, 0 without one.
local function fixed_keys() return unpack(KEYS, 1, FIXED_KEYS) end
local function fixed_args() return unpack(ARGV, 1, FIXED_ARGS) end
local function keys_of(i) return unpack(KEYS, FIXED_KEYS + (i - 1) * KEYS_EACH + 1, FIXED_KEYS + i * KEYS_EACH) end
local function args_of(i) return unpack(ARGV, FIXED_ARGS + (i - 1) * ARGS_EACH + 1, FIXED_ARGS + i * ARGS_EACH) end
local item_count = ARGS_EACH > 0 and (#ARGV - FIXED_ARGS) / ARGS_EACH or 0

