-- huntgroups: where does the request come from?
--
-- huntgroup(name, fn) gives a name to a set of ports, NASes or anything else that a request shows. The users
-- file asks by `Huntgroup-Name == "name"`; scripts by req:huntgroup("name") or when={huntgroup="name"}. The
-- function is asked at most once for a request, and only if somebody wants to know.
--
-- It must return true or false. (0 and "" count as true in Lua, so the server refuses them.)

-- The first 32 ports of the access server are modems. A NAS without ports (a wireless one) sends no
-- NAS-Port: `or 99` decides that case, because comparing nil would be an error.
huntgroup("modems", function(req)
  return (req:int("NAS-Port") or 99) < 32
end)

-- Everything that comes over the air, whatever the vendor calls it.
huntgroup("wireless", function(req)
  return req:is("NAS-Port-Type", {"Wireless-802.11", "Wireless-Other"})
end)

-- Nobody telnets to a switch by way of this server unless the clients file calls the client "sw-…".
on("huntgroups", {name = "admin-only-from-switches",
                  when = {["Service-Type"] = "Administrative-User"}, unless = {client = "sw-*"}}, function()
  return reject{reason = "admin-client", message = "Administration is not served here."}
end)
