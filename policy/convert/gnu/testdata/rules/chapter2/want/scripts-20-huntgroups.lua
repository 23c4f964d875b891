-- huntgroups: where a request comes from, and who may come from there.
--
-- Converted from the file huntgroups of GNU Radius. The users file asks for a group by Huntgroup-Name. Above each
-- group stand the lines that it was made of.

-- 2.4.4
--
-- huntgroups:2
-- one     NAS-IP-Address = 10.0.0.1
--         NULL
huntgroup("one", function(req)
  return req["NAS-IP-Address"] == "10.0.0.1"
end)

-- huntgroups:4
-- never   NAS-IP-Address = 10.0.0.1
--         User-Name = "nobody"
huntgroup("never", function(req)
  return req["NAS-IP-Address"] == "10.0.0.1" and req.user == "nobody"
end)

-- huntgroups:6
-- two     NAS-IP-Address = 10.0.0.2, NAS-Port-Id < 5
--         User-Name = "ann"

-- huntgroups:8
-- two     NAS-IP-Address = 10.0.0.3
--         NULL
huntgroup("two", function(req)
  return req["NAS-IP-Address"] == "10.0.0.2" and (req:int("NAS-Port") or math.huge) < 5 and req.user == "ann"
    or req["NAS-IP-Address"] == "10.0.0.3"
end)

-- Access: the first rule whose left side fits decides. Its right side must fit, too, else the request is refused.
on("huntgroups", {name = "access"}, function(req)
  if req["NAS-IP-Address"] == "10.0.0.1" then -- one (huntgroups:2)
    -- all may come from here
  elseif req["NAS-IP-Address"] == "10.0.0.1" then -- never (huntgroups:4)
    if not (req.user == "nobody") then
      return reject{reason = "huntgroup"}
    end
  elseif req["NAS-IP-Address"] == "10.0.0.2" and (req:int("NAS-Port") or math.huge) < 5 then -- two (huntgroups:6)
    if not (req.user == "ann") then
      return reject{reason = "huntgroup"}
    end
  end
end)
