-- The same person gets the VLAN of her role in the building whose switch asks.

attribute{name = "Role", type = "string"} -- ours: the users file sets it, it is never on the wire

local vlans = json.decode(readfile("vlans.json")) -- saved: read again at once, like every file
local guests = 999

on("reply", {name = "vlan", when = {verdict = "accept"}}, function(req)
  local building = vlans[req.client.vars.building or ""] or {}
  req.reply:vlan(building[req.control["Role"] or ""] or guests)
end)
