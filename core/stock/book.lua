-- Stands in front of every script that reads the book (scripts.ts puts it there). The book has a record for each
-- buyer: a line for each of their reservations, of the fields below, separated by tabs; none of them can hold a tab or
-- a line break. reservation.ts reads the same.
-- The time is followed by a tab and the number of the sale's terms, unless these are its first; of an order that has
-- lapsed, by both in any case, a tab, and the time of its end.
local ID, STATUS, ORDER_ID, REASON, QUANTITY, EPOCH, KEY, WISHES, CLAIMS, RESERVED_AT_MS = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
-- In one call: a loop over the fields takes three times as long.
local LINE = '^([^\t\n]*)' .. string.rep('\t([^\t\n]*)', RESERVED_AT_MS - 2) .. '\t([^\n]*)'
local LIVE = { RESERVED = true, ORDERED = true, PAID = true }

-- The purchases of a record, oldest first; none of a buyer without one.
local function reservations_in(record)
  local reservations = {}
  local at = 1
  while record and at <= #record do
    local line_end = string.find(record, '\n', at, true) or #record + 1
    reservations[#reservations + 1] = { string.match(record, LINE, at) }
    at = line_end + 1
  end
  return reservations
end

local function record_of(reservations)
  if #reservations == 1 then return table.concat(reservations[1], '\t') end
  local lines = {}
  for i, reservation in ipairs(reservations) do lines[i] = table.concat(reservation, '\t') end
  return table.concat(lines, '\n')
end

local function find_reservation(reservations, id)
  for _, reservation in ipairs(reservations) do
    if reservation[ID] == id then return reservation end
  end
end

local function reserved_at(reservation) return tonumber(string.match(reservation[RESERVED_AT_MS], '^%d+')) end

-- When an order lapsed, in ms since 1970; nil of every other reservation.
local function lapsed_at(reservation)
  if reservation[REASON] ~= 'UNPAID' then return end
  return tonumber(string.match(reservation[RESERVED_AT_MS], '^%d+\t%d*\t(%d+)$'))
end

local function note_lapse(reservation, now_ms)
  if lapsed_at(reservation) then return end
  local reserved_at_ms, terms = string.match(reservation[RESERVED_AT_MS], '^(%d+)\t?(%d*)')
  reservation[RESERVED_AT_MS] = (reserved_at_ms or '0') .. '\t' .. (terms or '') .. '\t' .. now_ms
end

-- A record is read as a whole, so of ended reservations, which their buyers may still ask for, the newest stay. Lapsed
-- ones are counted apart: a buyer must not push them out by purchases that they cancel.
local ENDED_KEPT = 8
local function ended_in(reservations)
  local ended = 0
  for _, reservation in ipairs(reservations) do
    if not LIVE[reservation[STATUS]] then ended = ended + 1 end
  end
  return ended
end

local function drop_oldest_ended(reservations)
  local kept = { [true] = 0, [false] = 0 }
  for i = #reservations, 1, -1 do
    local is_lapsed = reservations[i][REASON] == 'UNPAID'
    if not LIVE[reservations[i][STATUS]] then
      kept[is_lapsed] = kept[is_lapsed] + 1
      if kept[is_lapsed] > ENDED_KEPT then table.remove(reservations, i) end
    end
  end
end

-- In the sorted sets and among the orders a reservation is named by its id and its buyer, who is the field of the book.
local function member_of(id, buyer_id) return id .. ' ' .. buyer_id end

-- Of a reservation that became an order settle.lua notes the status beside the book, since to change a record costs
-- three times as much; then a tab and the order's id, unless this follows from the reservation's (order-id.ts). What
-- the book itself says of its end holds.
local function add_order(orders, reservation, buyer_id)
  if reservation[STATUS] ~= 'RESERVED' and reservation[STATUS] ~= 'ORDERED' then return end
  local order = redis.call('HGET', orders, member_of(reservation[ID], buyer_id))
  if order then reservation[STATUS], reservation[ORDER_ID] = string.match(order, '^(%u+)\t?(.*)$') end
end
