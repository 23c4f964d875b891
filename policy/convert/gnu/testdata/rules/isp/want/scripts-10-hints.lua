-- hints: the first look at every request.
--
-- Converted from the file hints of GNU Radius. The first rule that fits does its work and ends the search,
-- unless the old one had Fall-Through = Yes. Above each rule stand the lines that it was made of.

-- A Framed-Protocol that comes alone means a framed service.
on("hints", {name = "service-type", when = {["Framed-Protocol"] = true, ["Service-Type"] = false}}, function(req)
  req["Service-Type"] = "Framed-User"
end)

on("hints", {name = "hints"}, function(req)
  -- How people ask for a service: by a sign before or behind their name.
  --
  -- hints:3
  -- DEFAULT Prefix = "P", Strip-User-Name = Yes
  --         Hint = "PPP",
  --         Service-Type = Framed-User,
  --         Framed-Protocol = PPP
  if req.user:sub(1, 1) == "P" then
    req.user = req.user:sub(2)
    req:add("Hint", "PPP")
    req["Service-Type"] = "Framed-User"
    req["Framed-Protocol"] = "PPP"

  -- hints:8
  -- DEFAULT Suffix = ".slip"
  --         Hint = "SLIP",
  --         Service-Type = Framed-User,
  --         Framed-Protocol = SLIP
  elseif req.user:sub(-5) == ".slip" then
    req.user = req.user:sub(1, -6)
    req:add("Hint", "SLIP")
    req["Service-Type"] = "Framed-User"
    req["Framed-Protocol"] = "SLIP"

  -- Mail only, whatever the modem says.
  --
  -- hints:14
  -- DEFAULT Suffix = "%mail", Strip-User-Name = No
  --         Hint = "MAIL", Replace-User-Name = "mail-%C{Calling-Station-Id}"
  elseif req.user:sub(-5) == "%mail" then
    req.user = "mail-" .. (req["Calling-Station-Id"] or "")
    req:add("Hint", "MAIL")
  end
end)
