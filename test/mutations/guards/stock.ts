import type { Guard } from '../guard.ts'

const STOCK = 'core/stock/stock.test.ts'
const DOOR = 'core/stock/sale-door.test.ts'
const SWEEP = 'cancel-worker/sweep.test.ts'
const RIGHTS = 'core/stock/rights.test.ts'
const RECONCILING = 'cancel-worker/reconcile.test.ts'

/** The scripts of the Redis ledger. */
export const stockGuards: Guard[] = [
  {
    rule: 'no more units are set aside than there are', file: 'core/stock/reserve.lua',
    text: "  if stock < tonumber(quantity) then return { 'SOLD_OUT', tostring(stock) } end\n", without: '', tests: { file: STOCK, named: 'reserving' },
  },
  {
    rule: 'each buyer of a call sees what the ones before left', file: 'core/stock/reserve.lua',
    text: "  stock = redis.call('HINCRBY', KEYS[1], 'stock', -quantity)", without: "  redis.call('HINCRBY', KEYS[1], 'stock', -quantity)", tests: { file: STOCK, named: 'reserving' },
  },
  {
    rule: 'a buyer who comes again gets the same reservation', file: 'core/stock/reserve.lua',
    text: "  if earlier then return { 'DUPLICATE', earlier } end\n", without: '', tests: { file: STOCK, named: 'reserving' },
  },
  {
    rule: 'nobody has more than the limit per buyer', file: 'core/stock/reserve.lua',
    text: "  if tonumber(quantity) > tonumber(sale[5]) then return { 'OVER_LIMIT', sale[5] } end\n", without: '', tests: { file: STOCK, named: 'reserving knows the window' },
  },
  {
    rule: 'nobody on the blacklist reserves', file: 'core/stock/reserve.lua',
    text: "  if redis.call('SISMEMBER', KEYS[2], buyer_id) == 1 then return { 'BLACKLISTED' } end\n", without: '', tests: { file: STOCK, named: 'reserving knows the window' },
  },
  {
    rule: 'nobody reserves before the sale opens', file: 'core/stock/reserve.lua',
    text: "  if now < tonumber(sale[3]) then return { 'NOT_STARTED', now_ms, sale[3] } end\n", without: '', tests: { file: STOCK, named: 'reserving knows the window' },
  },
  {
    rule: 'nobody reserves after the sale has ended', file: 'core/stock/reserve.lua',
    text: "  if now >= tonumber(sale[4]) then return { 'ENDED', now_ms } end\n", without: '', tests: { file: DOOR, named: 'a sale that is moved' },
  },
  {
    rule: 'what may wait for the broker is bounded', file: 'core/stock/reserve.lua',
    text: "  if pending >= tonumber(ARGV[6]) then return { 'BUSY' } end\n", without: '', tests: { file: STOCK, named: 'reserving' },
  },
  {
    rule: 'every unit set aside stands in the pending stream', file: 'core/stock/reserve.lua',
    text: "  local entry = redis.call('XADD', KEYS[3], '*', 'reservation_id', id, 'at_ms', now_ms)\n", without: "  local entry = '0-1'\n", tests: { file: STOCK, named: 'reserving sets' },
  },
  {
    rule: 'every unit set aside stands among the undecided', file: 'core/stock/reserve.lua',
    text: "  redis.call('ZADD', KEYS[4], now_ms, id)\n", without: '', tests: { file: STOCK, named: 'reserving sets' },
  },
  {
    rule: 'a script that runs late takes nothing', file: 'core/stock/reserve.lua',
    text: "  if now > tonumber(ARGV[7]) then return { 'UNAVAILABLE' } end\n", without: '', tests: { file: STOCK, named: 'reserving takes nothing' },
  },
  {
    rule: 'a caller of another epoch gets nothing', file: 'core/stock/reserve.lua',
    text: 'if sale[1] ~= ARGV[1] or sale[7]', without: 'if sale[7]', tests: { file: STOCK, named: 'reserving refuses a caller' },
  },
  {
    rule: 'data of another run of the server is not sold from', file: 'core/stock/reserve.lua',
    text: 'if sale[1] ~= ARGV[1] or sale[7] ~= ARGV[8]', without: 'if sale[1] ~= ARGV[1]', tests: { file: DOOR, named: 'what another run' },
  },
  {
    rule: 'a reservation is released once', file: 'core/stock/release.lua',
    text: "if not is_live then return 'NOTHING' end\n", without: '', tests: { file: STOCK, named: 'releasing gives' },
  },
  {
    rule: 'what a resender has taken over is not given back', file: 'core/stock/release.lua',
    text: " == 0 then return 'CLAIMED' end\n", without: " == 2 then return 'CLAIMED' end\n", tests: { file: STOCK, named: 'releasing does not give back' },
  },
  {
    rule: 'units that never were do not go back', file: 'core/stock/release.lua',
    text: "local gives_back = ARGV[4] == '1' and (", without: 'local gives_back = (', tests: { file: 'test/outages.test.ts', named: 'when Redis was too high' },
  },
  {
    rule: 'a rejected unit of an earlier epoch does not go back', file: 'core/stock/release.lua',
    text: ' and (was_order or found[3] == sale[1])', without: '', tests: { file: DOOR, named: 'a rejected unit' },
  },
  {
    rule: 'the unit of an ended order waits while the door is closed', file: 'core/stock/release.lua',
    text: "if was_order and (not sale[2] or sale[2] == '') then return 'CLOSED' end\n", without: '', tests: { file: DOOR, named: 'the unit of a' },
  },
  {
    rule: 'a paid unit goes back only with a refund', file: 'core/stock/release.lua',
    text: "(found[1] == 'PAID' and ARGV[2] == 'REFUNDED')", without: "found[1] == 'PAID'", tests: { file: STOCK, named: 'releasing ends' },
  },
  {
    rule: 'the unit of a paid order goes back with its refund', file: 'core/stock/release.lua',
    text: " or (found[1] == 'PAID' and ARGV[2] == 'REFUNDED')", without: '', tests: { file: STOCK, named: 'releasing ends' },
  },
  {
    rule: 'the buyer of a released unit may buy again', file: 'core/stock/release.lua',
    text: "if is_holder then redis.call('DEL', KEYS[2]) end\n", without: '', tests: { file: STOCK, named: 'releasing gives' },
  },
  {
    rule: 'a resender leaves what is young to whoever is sending it', file: 'core/stock/claim.lua',
    text: ' - ARGV[1]\n', without: '\n', tests: { file: STOCK, named: 'a resender' },
  },
  {
    rule: 'a status only moves on', file: 'core/stock/settle.lua',
    text: "  if status == 'RESERVED' or (status == 'ORDERED' and ARGV[1] == 'PAID') then\n", without: '  if status then\n', tests: { file: STOCK, named: 'a settled reservation' },
  },
  {
    rule: 'an open sale is not brought in again', file: 'core/stock/close.lua',
    text: "  if ahead > 0 or (ahead == 0 and found[2] ~= '') then return 'STALE' end\n", without: '', tests: { file: DOOR, named: 'a sale that is open' },
  },
  {
    rule: 'only the sale as it was closed is opened', file: 'core/stock/open.lua',
    text: "if found[1] ~= ARGV[1] or found[2] ~= '' then return 'STALE' end\n", without: '', tests: { file: DOOR, named: 'under a newer epoch' },
  },
  {
    rule: 'filling in does not take back what was told meanwhile', file: 'core/stock/refill.lua',
    text: 'if not earlier or stage[status] > stage[earlier] then', without: 'if true then', tests: { file: DOOR, named: 'filling in does not' },
  },
  {
    rule: 'filling in stops when the sale was closed anew', file: 'core/stock/refill.lua',
    text: "if sale[1] ~= ARGV[1] or sale[2] ~= '' then return 'STALE' end\n", without: '', tests: { file: DOOR, named: 'filling in does not' },
  },
  {
    rule: 'whoever holds an order holds the right to buy', file: 'core/stock/refill.lua',
    text: "    redis.call('SET', KEYS[i + 1], id, 'PXAT', sale[3])\n", without: '', tests: { file: DOOR, named: 'filling in makes' },
  },
  {
    rule: 'only an open sale is set right', file: 'core/stock/adjust.lua',
    text: 'if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then return 0 end\n', without: '', tests: { file: DOOR, named: 'units are put back' },
  },
  {
    rule: 'without a right nothing is reserved by half', file: 'core/stock/reserve.lua',
    text: "  require_rights(buyer, reservation)\n", without: '', tests: { file: RIGHTS, named: 'without the' },
  },
  {
    rule: 'without a right nothing is released by half', file: 'core/stock/release.lua',
    text: "require_right('DEL', KEYS[2])\n", without: '', tests: { file: RIGHTS, named: 'without the right to DEL' },
  },
  {
    rule: 'without a right no entry leaves the pending stream', file: 'core/stock/claim.lua',
    text: "require_right('XADD', KEYS[1], '*', 'reservation_id', '')\n", without: '', tests: { file: RIGHTS, named: 'without the right to XADD' },
  },
  {
    rule: 'without a right nothing is settled by half', file: 'core/stock/settle.lua',
    text: "require_right('ZREM', KEYS[1], '')\n", without: '', tests: { file: RIGHTS, named: 'without the right to ZREM' },
  },
  {
    rule: 'without a right no sale is emptied', file: 'core/stock/close.lua',
    text: "require_right('HSET', KEYS[1], 'epoch', ARGV[1])\n", without: '', tests: { file: RIGHTS, named: 'without the right to HSET' },
  },
  {
    rule: 'without a right nothing is filled in by half', file: 'core/stock/refill.lua',
    text: "  if i == 4 then require_rights(KEYS[i], KEYS[i + 1]) end\n", without: '', tests: { file: RIGHTS, named: 'without the' },
  },
  {
    rule: 'a message that may not be sent does not keep a unit from going back', file: 'core/stock/release.lua',
    text: "redis.pcall('PUBLISH'", without: "redis.call('PUBLISH'", tests: { file: RIGHTS, named: 'without the channel' },
  },
  {
    rule: 'a message that may not be sent does not fail a settling', file: 'core/stock/settle.lua',
    text: "redis.pcall('PUBLISH'", without: "redis.call('PUBLISH'", tests: { file: RIGHTS, named: 'without the channel' },
  },
  {
    rule: 'a mark that a clock ahead has left refuses no buyer', file: 'core/stock/reserve.lua',
    text: '  if at > now + ms_per_token * burst + 1000 then return now end\n', without: '', tests: { file: STOCK, named: 'reserving a mark' },
  },
  {
    rule: 'entries whose ids run ahead are sent again', file: 'core/stock/claim.lua',
    text: '  if at <= newest or at > now + 1000 then claim(entry) end\n', without: '', tests: { file: STOCK, named: 'after the clock of Redis' },
  },
  {
    rule: 'entries whose ids run ahead are left to their gateway while they are young', file: 'core/stock/claim.lua',
    text: '  if at <= newest or at > now + 1000 then claim(entry) end\n', without: '  claim(entry)\n', tests: { file: STOCK, named: 'after the clock of Redis' },
  },
  {
    rule: 'a reservation listed for a time to come grows old from now on', file: 'cancel-worker/sweep.ts',
    text: '  await deps.stock.dateBackUndecided(saleId, nowMs, PAGE)\n', without: '', tests: { file: SWEEP, named: 'a reservation set aside' },
  },
  {
    rule: 'a clock that runs ahead for a moment abandons nothing', file: 'cancel-worker/sweep.ts',
    text: 'Math.min(nowMs, clock?.nowMs ?? nowMs)', without: 'nowMs', tests: { file: SWEEP, named: 'while the clock of Redis' },
  },
  {
    rule: 'a right that is missing makes no dead letters', file: 'core/platform/outage.ts',
    text: ' || REDIS_REFUSES_US.test(error.message)', without: '', tests: { file: 'core/platform/outage.test.ts', named: 'what Redis does not allow' },
  },
  {
    rule: 'figures of an older epoch are not taken', file: 'core/stock/amend.lua',
    text: "if found[1] ~= ARGV[1] then return '' end\n", without: '', tests: { file: DOOR, named: 'figures of another epoch' },
  },
  {
    rule: 'a stock that is lowered leaves no fewer units than none', file: 'core/stock/amend.lua',
    text: 'math.max(0, found[5] + by)', without: 'found[5] + by', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'a stock that is changed moves no holder\'s bit', file: 'core/stock/amend.lua',
    text: "  redis.call('HSETNX', KEYS[1], 'holder_units', found[4])\n", without: '', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
  {
    rule: 'a stock that was changed while the sale was closed counts once', file: 'core/stock/open.lua',
    text: "  redis.call('HSET', KEYS[1], 'total', ARGV[3])\n", without: '', tests: { file: RECONCILING, named: 'what Redis says of a sale' },
  },
]
