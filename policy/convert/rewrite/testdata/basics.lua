-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from basics.rw, lines 9 to 87.

local gnu = require("lib.gnu")

-- Functions of every day.
--
-- decode MAX port number
-- input: P        --  The value of NAS-Port-Id attribute
local function max_decode_port(P, portcnt)
  if P > 9999 then
    local s = math.floor(P / 10000)
    local l = gnu.div(P - 10000 * s, 100)
    local c = P - (10000 * s + 100 * l)
    return c - 1 + (l - 1) * portcnt  -- counted from 0
  end
  return P
end

-- The interface.
rewrite("max_fixup", function(req)
  req:set("Filter-Id", tostring(req:int("NAS-Port") or 0), 1)
  -- Preserve original data
  req["NAS-Port"] = max_decode_port(req:int("NAS-Port") or 0, 23) % 2^32
  return 0
end)

rewrite("greet", function(req, who)
  if #who > 5 then
    return "Long " .. who:sub(1, 5)
  end
  return "Short " .. who
end)

rewrite("quota", function(req, port)
  local n = 0
  while port > 0 do
    n = n + 10
    port = port - 1
  end
  return n
end)

rewrite("fixit", function(req)
  if (req:int("NAS-Port") or 0) > 9999 then
    req["NAS-Port"] = ((req:int("NAS-Port") or 0) - 20000) % 2^32
  end
  req["Acct-Session-Id"] = "new"
  req:del("Class")
  if not req:has("Class") then
    req.user = "rw-" .. req.user
  end
  return 0
end)

rewrite("fixport", function(req)
  req["NAS-Port"] = (req:int("NAS-Port") or 0) % 10000
  return 0
end)

rewrite("restore_nas_ip", function(req)
  if not req:has("NAS-IP-Address") then
    req["NAS-IP-Address"] = req.src
  end
  return 0
end)

local function login_nt(uname)
  local i = (uname:find("\\", 1, true) or 0) - 1
  if i ~= -1 then
    return uname:sub(i + 2)
  end
  return uname
end

rewrite("nt_rewrite", function(req)
  req.user = login_nt(req.user)
  return 0
end)
