-- Huntgroups, from FreeRADIUS's huntgroups: the first rule that holds names the huntgroup of a request, and
-- says whether it may come that way.

local pattern1 = re.compile("^adm")

local by_address = { -- huntgroups:1 to 4
  ["192.0.2.1"] = "north",
  ["192.0.2.2"] = "north",
  ["192.0.2.3"] = "south",
}

local function huntgroup_of(req)
  local known = by_address[req["NAS-IP-Address"] or ""]
  if known then return known end
  -- huntgroups:5
  --   staff  NAS-Port-Type == Virtual
  --     Group == "wheel",
  --     User-Name =~ "^adm"
  if req:is("NAS-Port-Type", "Virtual") then return "staff", req:group("wheel") or pattern1:test(req["User-Name"] or "") end
end

on("huntgroups", {name = "huntgroups"}, function(req)
  local name, allowed = huntgroup_of(req)
  if allowed == false then
    return reject{reason = "huntgroup " .. name}
  end
  req["Huntgroup-Name"] = name
end)

for _, name in ipairs{"north", "south", "staff"} do
  huntgroup(name, function(req) return req["Huntgroup-Name"] == name end)
end
