-- huntgroups: where a request comes from, and who may come from there.
--
-- Converted from the file huntgroups of GNU Radius. The users file asks for a group by Huntgroup-Name. Above each
-- group stand the lines that it was made of.

-- huntgroups:1
-- eq      NAS-Port-Id = 10        NULL
huntgroup("eq", function(req)
  return req["NAS-Port"] == 10
end)

-- huntgroups:2
-- ne      NAS-Port-Id != 10       NULL
huntgroup("ne", function(req)
  return req:has("NAS-Port") and req["NAS-Port"] ~= 10
end)

-- huntgroups:3
-- lt      NAS-Port-Id < 10        NULL
huntgroup("lt", function(req)
  return (req:int("NAS-Port") or math.huge) < 10
end)

-- huntgroups:4
-- le      NAS-Port-Id <= 10       NULL
huntgroup("le", function(req)
  return (req:int("NAS-Port") or math.huge) <= 10
end)

-- huntgroups:5
-- gt      NAS-Port-Id > 10        NULL
huntgroup("gt", function(req)
  return (req:int("NAS-Port") or 0) > 10
end)

-- huntgroups:6
-- ge      NAS-Port-Id >= 10       NULL
huntgroup("ge", function(req)
  return (req:int("NAS-Port") or 0) >= 10
end)

-- huntgroups:7
-- ge0     NAS-Port-Id >= 0        NULL
huntgroup("ge0", function(req)
  return req:has("NAS-Port")
end)

-- huntgroups:8
-- in      NAS-Port-Id = "1-4, 9"  NULL
huntgroup("in", function(req)
  return req:is("NAS-Port", "1-4,9")
end)

-- huntgroups:9
-- out     NAS-Port-Id != "1-4,9"  NULL
huntgroup("out", function(req)
  return req:has("NAS-Port") and not req:is("NAS-Port", "1-4,9")
end)

-- huntgroups:10
-- name    Service-Type = Framed-User      NULL
huntgroup("name", function(req)
  return req["Service-Type"] == "Framed-User"
end)

-- huntgroups:11
-- notname Service-Type != Framed-User     NULL
huntgroup("notname", function(req)
  return req:has("Service-Type") and req["Service-Type"] ~= "Framed-User"
end)

-- huntgroups:12
-- nameless        Service-Type = 77       NULL
huntgroup("nameless", function(req)
  return req:int("Service-Type") == 77
end)

-- huntgroups:13
-- above   Service-Type > Framed-User      NULL
huntgroup("above", function(req)
  return (req:int("Service-Type") or 0) > 2
end)

-- huntgroups:14
-- teq     Called-Station-Id = "bbb"       NULL
huntgroup("teq", function(req)
  return req["Called-Station-Id"] == "bbb"
end)

-- huntgroups:15
-- tne     Called-Station-Id != "bbb"      NULL
huntgroup("tne", function(req)
  return req:has("Called-Station-Id") and req["Called-Station-Id"] ~= "bbb"
end)

-- huntgroups:16
-- tlt     Called-Station-Id < "bbb"       NULL
huntgroup("tlt", function(req)
  return req:has("Called-Station-Id") and req["Called-Station-Id"] < "bbb"
end)

-- huntgroups:17
-- tle     Called-Station-Id <= "bbb"      NULL
huntgroup("tle", function(req)
  return req:has("Called-Station-Id") and req["Called-Station-Id"] <= "bbb"
end)

-- huntgroups:18
-- tgt     Called-Station-Id > "bbb"       NULL
huntgroup("tgt", function(req)
  return (req["Called-Station-Id"] or "") > "bbb"
end)

-- huntgroups:19
-- tge     Called-Station-Id >= "bbb"      NULL
huntgroup("tge", function(req)
  return req:has("Called-Station-Id") and req["Called-Station-Id"] >= "bbb"
end)

-- huntgroups:20
-- aeq     NAS-IP-Address = 200.0.0.5      NULL
huntgroup("aeq", function(req)
  return req["NAS-IP-Address"] == "200.0.0.5"
end)

-- huntgroups:21
-- ane     NAS-IP-Address != 200.0.0.5     NULL
huntgroup("ane", function(req)
  return req:has("NAS-IP-Address") and req["NAS-IP-Address"] ~= "200.0.0.5"
end)

-- huntgroups:22
-- alt     NAS-IP-Address < 200.0.0.5      NULL
huntgroup("alt", function(req)
  return (req:int("NAS-IP-Address") or math.huge) < net.aton("200.0.0.5")
end)

-- huntgroups:23
-- age     NAS-IP-Address >= 200.0.0.5     NULL
huntgroup("age", function(req)
  return (req:int("NAS-IP-Address") or 0) >= net.aton("200.0.0.5")
end)

-- huntgroups:24
-- pre     Prefix = "P", Suffix != ".x"    NULL
huntgroup("pre", function(req)
  return req.user:sub(1, 1) == "P" and req:has("User-Name") and req.user:sub(-2) ~= ".x"
end)

-- huntgroups:25
-- user    User-Name >= "m"        NULL
huntgroup("user", function(req)
  return req:has("User-Name") and req.user >= "m"
end)

-- huntgroups:26
-- both    NAS-Port-Id > 10, NAS-Port-Id < 20      Called-Station-Id = "bbb"
huntgroup("both", function(req)
  return (req:int("NAS-Port") or 0) > 10 and (req:int("NAS-Port") or math.huge) < 20 and req["Called-Station-Id"] == "bbb"
end)

-- Access: the first rule whose left side fits decides. Its right side must fit, too, else the request is refused.
on("huntgroups", {name = "access"}, function(req)
  if req["NAS-Port"] == 10 then -- eq (huntgroups:1)
    -- all may come from here
  elseif req:has("NAS-Port") and req["NAS-Port"] ~= 10 then -- ne (huntgroups:2)
    -- all may come from here
  elseif (req:int("NAS-Port") or math.huge) < 10 then -- lt (huntgroups:3)
    -- all may come from here
  elseif (req:int("NAS-Port") or math.huge) <= 10 then -- le (huntgroups:4)
    -- all may come from here
  elseif (req:int("NAS-Port") or 0) > 10 then -- gt (huntgroups:5)
    -- all may come from here
  elseif (req:int("NAS-Port") or 0) >= 10 then -- ge (huntgroups:6)
    -- all may come from here
  elseif req:has("NAS-Port") then -- ge0 (huntgroups:7)
    -- all may come from here
  elseif req:is("NAS-Port", "1-4,9") then -- in (huntgroups:8)
    -- all may come from here
  elseif req:has("NAS-Port") and not req:is("NAS-Port", "1-4,9") then -- out (huntgroups:9)
    -- all may come from here
  elseif req["Service-Type"] == "Framed-User" then -- name (huntgroups:10)
    -- all may come from here
  elseif req:has("Service-Type") and req["Service-Type"] ~= "Framed-User" then -- notname (huntgroups:11)
    -- all may come from here
  elseif req:int("Service-Type") == 77 then -- nameless (huntgroups:12)
    -- all may come from here
  elseif (req:int("Service-Type") or 0) > 2 then -- above (huntgroups:13)
    -- all may come from here
  elseif req["Called-Station-Id"] == "bbb" then -- teq (huntgroups:14)
    -- all may come from here
  elseif req:has("Called-Station-Id") and req["Called-Station-Id"] ~= "bbb" then -- tne (huntgroups:15)
    -- all may come from here
  elseif req:has("Called-Station-Id") and req["Called-Station-Id"] < "bbb" then -- tlt (huntgroups:16)
    -- all may come from here
  elseif req:has("Called-Station-Id") and req["Called-Station-Id"] <= "bbb" then -- tle (huntgroups:17)
    -- all may come from here
  elseif (req["Called-Station-Id"] or "") > "bbb" then -- tgt (huntgroups:18)
    -- all may come from here
  elseif req:has("Called-Station-Id") and req["Called-Station-Id"] >= "bbb" then -- tge (huntgroups:19)
    -- all may come from here
  elseif req["NAS-IP-Address"] == "200.0.0.5" then -- aeq (huntgroups:20)
    -- all may come from here
  elseif req:has("NAS-IP-Address") and req["NAS-IP-Address"] ~= "200.0.0.5" then -- ane (huntgroups:21)
    -- all may come from here
  elseif (req:int("NAS-IP-Address") or math.huge) < net.aton("200.0.0.5") then -- alt (huntgroups:22)
    -- all may come from here
  elseif (req:int("NAS-IP-Address") or 0) >= net.aton("200.0.0.5") then -- age (huntgroups:23)
    -- all may come from here
  elseif req.user:sub(1, 1) == "P" and req:has("User-Name") and req.user:sub(-2) ~= ".x" then -- pre (huntgroups:24)
    -- all may come from here
  elseif req:has("User-Name") and req.user >= "m" then -- user (huntgroups:25)
    -- all may come from here
  elseif (req:int("NAS-Port") or 0) > 10 and (req:int("NAS-Port") or math.huge) < 20 then -- both (huntgroups:26)
    if not (req["Called-Station-Id"] == "bbb") then
      return reject{reason = "huntgroup"}
    end
  end
end)
