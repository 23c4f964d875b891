-- Users, their groups and what these get, from the tables that FreeRADIUS has. Whom the database does not know, the
-- users file may know.

local db = sql.open("users") -- [backend.sql.users] of config.toml

local put = { -- what the column op says
  ["="] = function(list, name, value) if not list:has(name) then list[name] = value end end,
  [":="] = function(list, name, value) list[name] = value end,
  ["+="] = function(list, name, value) list:add(name, value) end,
}

-- The user's own rows come first, then those of the groups by priority.
local function fill(list, rows)
  for _, row in ipairs(rows) do
    local set = put[row.op] or error(row.attribute .. ": the op " .. row.op .. " is not supported")
    set(list, row.attribute, row.value)
  end
end

on("authorize", function(req)
  fill(req.control, db:rows([[
    SELECT attribute, op, value, 0 AS priority, id FROM radcheck WHERE username = $1
    UNION ALL
    SELECT c.attribute, '=', c.value, g.priority + 1, c.id FROM radusergroup g JOIN radgroupcheck c USING (groupname) WHERE g.username = $1
    ORDER BY priority, id]], req.user))
end)

on("reply", {when = {verdict = "accept"}}, function(req)
  fill(req.reply, db:rows([[
    SELECT attribute, op, value, 0 AS priority, id FROM radreply WHERE username = $1
    UNION ALL
    SELECT r.attribute, r.op, r.value, g.priority + 1, r.id FROM radusergroup g JOIN radgroupreply r USING (groupname) WHERE g.username = $1
    ORDER BY priority, id]], req.user))
end)
