-- The functions that hints.lua, huntgroups.lua and rewrite.lua call.
-- Converted from ports.rw, lines 1 to 6.

local functions = {}

function functions.fix_port(req)
  if (req:int("NAS-Port") or 0) > 9999 then
    req["NAS-Port"] = ((req:int("NAS-Port") or 0) - 10000) % 2^32
  end
end

return functions
