-- hints: the first look at every request.
--
-- Converted from the file hints of GNU Radius. The first rule that fits does its work and ends the search,
-- unless the old one had Fall-Through = Yes. Above each rule stand the lines that it was made of.

local functions = require("lib.rewrite")

-- A Framed-Protocol that comes alone means a framed service.
on("hints", {name = "service-type", when = {["Framed-Protocol"] = true, ["Service-Type"] = false}}, function(req)
  req["Service-Type"] = "Framed-User"
end)

on("hints", {name = "hints"}, function(req)
  -- Numbers of old ports are too large.
  --
  -- hints:2
  -- DEFAULT NAS-IP-Address = 192.0.2.1
  --         Rewrite-Function = "fix_port", Fall-Through = Yes
  if req["NAS-IP-Address"] == "192.0.2.1" then
    functions.fix_port(req)
  end

  -- The signs of a carrier stand around the name.
  --
  -- hints:6
  -- DEFAULT Prefix = "c:", Suffix = "#"
  --         Hint = "carrier", Called-Station-Id = "800", Acct-Type = Detail, Log-Mode-Mask = Log-Auth
  if req.user:sub(1, 2) == "c:" and req.user:sub(-1) == "#" then
    req.user = req.user:sub(3, -2)
    req:add("Hint", "carrier")
    req:add("Called-Station-Id", "800")
    req.control:add("Acct-Type", "Detail")
    req.control:add("Log-Mode-Mask", "Log-Auth")
    return
  end

  -- hints:9
  -- bob     Called-Station-Id > "5", Called-Station-Id != "777"
  --         Replace-User-Name = "%u-%C{Called-Station-Id}-%p", Class = "=inet_ntoa(%[NAS-IP-Address])"
  if req.user == "bob" and (req["Called-Station-Id"] or "") > "5" and req:has("Called-Station-Id") and req["Called-Station-Id"] ~= "777" then
    req.user = req.user .. "-" .. (req["Called-Station-Id"] or "") .. "-" .. (req:int("NAS-Port") or 0)
    req:add("Class", req["NAS-IP-Address"] or "0.0.0.0")
    return
  end

  -- hints:12
  -- "*@here"        NULL
  --         Hint = "here"
  -- The old server took the name for a pattern, against its manual. To have that, ask
  -- req:is("User-Name", "*@here") instead.
  if req.user == "*@here" then
    req:add("Hint", "here")
    return
  end

  -- hints:14
  -- DEFAULTS        NULL
  --         Hint = "no default"
  if req.user == "DEFAULTS" then
    req:add("Hint", "no default")
    return
  end

  -- hints:16
  -- eve     Service-Type = Login-User
  --         Hint = "forbidden"
  -- Left out: Service-Type may not stand on the left side in hints by its flags in the dictionary.

  -- hints:18
  -- ann     Framed-Protocol != PPP, Called-Station-Id = "1"
  --         Example-Gateway = 192.0.2.254, Service-Type = Login-User,
  --         Service-Type = Framed-User,
  --         Class = "second", Fall-Through = Yes
  if req.user == "ann" and req:has("Framed-Protocol") and req["Framed-Protocol"] ~= "PPP" and req["Called-Station-Id"] == "1" then
    req:merge{["Example-Gateway"] = "192.0.2.254"}
    req["Service-Type"] = "Login-User"
    req["Service-Type"] = "Framed-User"
    req:add("Class", "second")
  end

  -- hints:23
  -- ann     Proxy-Replied = Yes
  --         Class = "back"
  -- Left out: it is for answers of other servers: write on("post_proxy", fn).

  -- hints:26
  -- ann     Class = "second"
  --         Class = "third", Exec-Program-Wait = "/bin/true", Simultaneous-Use = 1
  if req.user == "ann" and req["Class"] == "second" then
    req:add("Class", "third")
    req.control:add("Exec-Program-Wait", "/bin/true")
    -- Simultaneous-Use = 1 left out: the old server never looked for it in a request.
    return
  end

  -- hints:29
  -- no-name NULL
  --         Framed-IP-Address = 192.0.2.0+, Fall-Through = Yes
  if req.user == "no-name" then
    req["Framed-IP-Address"] = net.ntoa(net.aton("192.0.2.0") + (req:int("NAS-Port") or 0))
  end

  -- hints:31
  -- DEFAULT NULL
  --         Hint = "rest"
  req:add("Hint", "rest")

  -- hints:33
  -- DEFAULT Prefix = "never"
  --         Hint = "never"
  -- Left out: the rule of line 31 fits all requests and ends the search.
end)
