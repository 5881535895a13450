-- Stands in front of every script (scripts.ts puts it there).
--
-- Lua does not roll back. A command that Redis refuses to this connection's user in the middle of a script would leave
-- the writes before it: a unit given back, say, and its buyer still marked as a holder. So a script asks for the
-- rights to all of its commands before its first write, which costs 0.3 µs each. acl_check_cmd exists since Redis 7.0.
local function require_right(...)
  if not redis.acl_check_cmd(...) then
    error({ err = 'NOPERM this user may not run ' .. table.concat({ ... }, ' ', 1, 2) })
  end
end

