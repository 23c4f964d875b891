-- huntgroups: where a request comes from, and who may come from there.
--
-- Converted from the file huntgroups of GNU Radius. The users file asks for a group by Huntgroup-Name. Above each
-- group stand the lines that it was made of.

-- The hall: 16 modems, of which the first eight are for staff with leased lines.
--
-- huntgroups:2
-- hall    NAS-IP-Address = 192.0.2.10, NAS-Port-Type = Async
--         NULL
huntgroup("hall", function(req)
  return req["NAS-IP-Address"] == "192.0.2.10" and req["NAS-Port-Type"] == "Async"
end)

-- The computer room lets nobody in from other ports than its own.
--
-- huntgroups:6
-- room    NAS-IP-Address = 192.0.2.20
--         NAS-Port-Id = "1-8,12"

-- huntgroups:9
-- room    NAS-IP-Address = 192.0.2.21
--         NULL
huntgroup("room", function(req)
  return req["NAS-IP-Address"] == "192.0.2.20" and req:is("NAS-Port", "1-8,12")
    or req["NAS-IP-Address"] == "192.0.2.21"
end)

-- Access: the first rule whose left side fits decides. Its right side must fit, too, else the request is refused.
on("huntgroups", {name = "access"}, function(req)
  if req["NAS-IP-Address"] == "192.0.2.10" and req["NAS-Port-Type"] == "Async" then -- hall (huntgroups:2)
    -- all may come from here
  elseif req["NAS-IP-Address"] == "192.0.2.20" then -- room (huntgroups:6)
    if not req:is("NAS-Port", "1-8,12") then
      return reject{reason = "huntgroup"}
    end
  end
end)
