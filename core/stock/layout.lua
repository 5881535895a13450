-- Stands in front of every script. Above it scripts.ts puts the three numbers that it counts in the script's header:
-- FIXED_KEYS, FIXED_ARGS, and ARGS_EACH of the part that is repeated "for each" item, 0 without one.
local function fixed_keys() return unpack(KEYS, 1, FIXED_KEYS) end
local function fixed_args() return unpack(ARGV, 1, FIXED_ARGS) end
local item_count = ARGS_EACH > 0 and (#ARGV - FIXED_ARGS) / ARGS_EACH or 0

-- The arguments of the items: for each of their names a list of its values, one for each item. scripts.ts passes them in
-- this order, because taking them over list by list costs a third of taking them apart item by item.
local function lists_of_args()
  local lists = {}
  for i = 1, ARGS_EACH do
    local before = FIXED_ARGS + (i - 1) * item_count
    lists[i] = { unpack(ARGV, before + 1, before + item_count) }
  end
  return unpack(lists)
end

