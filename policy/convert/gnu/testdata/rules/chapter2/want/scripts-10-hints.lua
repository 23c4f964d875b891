-- hints: the first look at every request.
--
-- Converted from the file hints of GNU Radius. The first rule that fits does its work and ends the search,
-- unless the old one had Fall-Through = Yes. Above each rule stand the lines that it was made of.

-- A Framed-Protocol that comes alone means a framed service.
on("hints", {name = "service-type", when = {["Framed-Protocol"] = true, ["Service-Type"] = false}}, function(req)
  req["Service-Type"] = "Framed-User"
end)

on("hints", {name = "hints"}, function(req)
  -- 2.4.3
  --
  -- hints:2
  -- exact   NULL
  --         Hint = "exact"
  if req.user == "exact" then
    req:add("Hint", "exact")
    return
  end

  -- hints:4
  -- DEFAULT12       Called-Station-Id = "digits"
  --         Hint = "digits"
  if req["Called-Station-Id"] == "digits" then
    req:add("Hint", "digits")
    return
  end

  -- hints:6
  -- DEFAULTER       NULL
  --         Hint = "a user"
  if req.user == "DEFAULTER" then
    req:add("Hint", "a user")
    return
  end

  -- hints:8
  -- DEFAULT Prefix = "P", Suffix = ".ppp"
  --         Hint = "both"
  if req.user:sub(1, 1) == "P" and req.user:sub(-4) == ".ppp" then
    req.user = req.user:sub(2, -5)
    req:add("Hint", "both")
    return
  end

  -- hints:10
  -- DEFAULT Prefix = "P"
  --         Hint = "prefix"
  if req.user:sub(1, 1) == "P" then
    req.user = req.user:sub(2)
    req:add("Hint", "prefix")
    return
  end

  -- hints:12
  -- DEFAULT Suffix = ".k", Strip-User-Name = No
  --         Hint = "kept", Fall-Through = Yes
  if req.user:sub(-2) == ".k" then
    req:add("Hint", "kept")
  end

  -- hints:14
  -- DEFAULT Suffix = ".s"
  --         Hint = "first", Fall-Through = Yes
  if req.user:sub(-2) == ".s" then
    req.user = req.user:sub(1, -3)
    req:add("Hint", "first")
  end

  -- hints:16
  -- DEFAULT Called-Station-Id = "on"
  --         Hint = "second"
  if req["Called-Station-Id"] == "on" then
    req:add("Hint", "second")
    return
  end

  -- hints:18
  -- DEFAULT Called-Station-Id = "replace"
  --         Replace-User-Name = "%u-%C{NAS-Port-Id}"
  if req["Called-Station-Id"] == "replace" then
    req.user = req.user .. "-" .. (req:int("NAS-Port") or 0)
    return
  end

  -- hints:20
  -- DEFAULT Called-Station-Id = "add"
  --         Keep-First = 1, Keep-Last = 1, Keep-All = 1, Fall-Through = Yes
  if req["Called-Station-Id"] == "add" then
    req:merge{["Keep-First"] = 1}
    req["Keep-Last"] = 1
    req:add("Keep-All", 1)
  end

  -- hints:22
  -- DEFAULT Called-Station-Id = "add"
  --         Keep-First = 2, Keep-Last = 2, Keep-All = 2
  if req["Called-Station-Id"] == "add" then
    req:merge{["Keep-First"] = 2}
    req["Keep-Last"] = 2
    req:add("Keep-All", 2)
  end

  -- hints:24
  -- DEFAULT Users-Only = "x"
  --         Hint = "by a flag that forbids it"
  -- Left out: Users-Only may not stand on the left side in hints by its flags in the dictionary.
end)
