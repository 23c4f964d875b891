-- Huntgroups, from FreeRADIUS's mods-config/preprocess/huntgroups: the first rule that holds names the huntgroup of a request, and
-- says whether it may come that way.

local function huntgroup_of(req)
  -- mods-config/preprocess/huntgroups:1
  --   wlan  NAS-IP-Address == 192.0.2.5
  if req:is("NAS-IP-Address", "192.0.2.5") then return "wlan" end
  -- mods-config/preprocess/huntgroups:2
  --   wlan  NAS-IP-Address == 192.0.2.6, NAS-Port-Type == Wireless-802.11
  if req:is("NAS-IP-Address", "192.0.2.6") and req:is("NAS-Port-Type", "Wireless-802.11") then return "wlan" end
  -- mods-config/preprocess/huntgroups:3
  --   console  NAS-Identifier == "con*"
  --     User-Name == ann,
  --     User-Name == bert
  if req:is("NAS-Identifier", "con[*]") then return "console", req:is("User-Name", "ann") or req:is("User-Name", "bert") end
end

on("huntgroups", {name = "huntgroups"}, function(req)
  local name, allowed = huntgroup_of(req)
  if allowed == false then
    return reject{reason = "huntgroup " .. name}
  end
  req["Huntgroup-Name"] = name
end)

-- No rule gives: cellar.
for _, name in ipairs{"wlan", "console", "cellar"} do
  huntgroup(name, function(req) return req["Huntgroup-Name"] == name end)
end
