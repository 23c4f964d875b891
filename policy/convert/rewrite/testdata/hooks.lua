-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from hooks.rw, lines 6 to 71.

local gnu = require("lib.gnu")

local function change(req, n)
  req["Session-Timeout"] = (n - 10) % 2^32
  req["Acct-Session-Time"] = bit32.band(n, 255)
  return n
end

-- Rewrite-Function = early
-- Rewrite-Function = log_all
-- Rewrite-Function = mixed
--
-- Ends at once unless there is a port.
rewrite("early", function(req)
  if not req:has("NAS-Port") then
    return
  end
  if (req:int("NAS-Port") or 0) > 100 then
    change(req, 5)
    return  -- with an effect
  end
  gnu.set(req, "NAS-Port", 3, 2)
  -- nothing more to do
end)

rewrite("log_all", function(req)
  local n = req:int("NAS-Port") or 0
  if (log.info("port " .. n) or 0) ~= 0 then
    log.info("never")
  end
  assert(n ~= 0, "division by zero")
  local _ = gnu.lookup("www.example.net")
  if n == 0 then
    log.info("no port")
  end
  if n == 7 then
    -- empty
  end
  while n > 0 and (log.info("x") or 0) == 0 do
    n = n - 1
  end
end)

local whole_re = re.posix("(b*(c)*)")

local function whole(s)
  local m0, m1 = whole_re:match(s)
  if m0 then
    return "<" .. m0 .. ":" .. (m1 or "") .. ">"
  end
  return ""
end

rewrite("outer", function(req, s)
  local m1
  m1 = s:match("^(.)")
  if m1 then
    if #s > 3 then
      m1 = s:match("(.)$")
    end
    return m1 or ""
  end
  return "none"
end)

local mixed_re = re.posix("[aeiou]*x")

rewrite("mixed", function(req)
  do
    local a = #req.user - 1
    req.user = gnu.substr(req.user, 0, a) .. ((req["Class"] or ""):gsub("%%", "100%%", 1))
        .. (mixed_re:gsub("aex%", (req.user:gsub("%%", "%%%%"))))
  end
  req["Framed-IP-Address"] = "10.0.0.1"
  req["Framed-IP-Netmask"] = net.ntoa(0xffffff00)
  req["NAS-IP-Address"] = net.ntoa(((req:int("NAS-Port") or 0) * 3 - 7) % 2^32)
  if whole("bc") ~= "" or not req.user:find("@", 1, true) then
    gnu.set(req, "Login-IP-Host", "10.1.2.3", (req:int("NAS-Port") or 0) % 2 + 1)
  end
end)
