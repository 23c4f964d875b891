-- Hints, from FreeRADIUS's mods-config/preprocess/hints: the first rule that holds changes the request, and ends the list unless it
-- falls through.

on("hints", {name = "hints"}, function(req)
  local name = req.user
  if not name then return end
  -- mods-config/preprocess/hints:1
  --   DEFAULT  Suffix == ".ppp", Strip-User-Name = Yes
  --     Hint = "PPP",
  --     Service-Type = Framed-User
  if name:sub(-4) == ".ppp" then
    name = name:sub(1, -5)
    req["Stripped-User-Name"] = name
    if not req:has("Hint") then req["Hint"] = "PPP" end
    if not req:has("Service-Type") then req["Service-Type"] = "Framed-User" end
    return
  end
  -- mods-config/preprocess/hints:5
  --   DEFAULT  Prefix == "C", NAS-Port < 32
  --     Hint := "console", Fall-Through = Yes
  if name:sub(1, 1) == "C" and req:is("NAS-Port", "<32") then
    name = name:sub(2)
    req["Stripped-User-Name"] = name
    req["Hint"] = "console"
  end
  -- mods-config/preprocess/hints:7
  --   guest  NAS-IP-Address != 192.0.2.9
  --     Hint += "guest"
  if req.user == "guest" and req:has("NAS-IP-Address") and not req:is("NAS-IP-Address", "192.0.2.9") then
    req:add("Hint", "guest")
    return
  end
end)
