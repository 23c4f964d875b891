-- Hints, from FreeRADIUS's hints: the first rule that holds changes the request, and ends the list unless it
-- falls through.

local pattern1 = re.compile("^00-11")

on("hints", {name = "hints"}, function(req)
  local name = req.user
  if not name then return end
  -- hints:1
  --   DEFAULT  Prefix == "P", Suffix == ".ppp"
  --     Hint = "PPP", Filter-Id = "for %{NAS-Identifier}, %{User-Name}"
  if name:sub(1, 1) == "P" and name:sub(-4) == ".ppp" then
    name = name:sub(2, -5)
    req["Stripped-User-Name"] = name
    if not req:has("Hint") then req["Hint"] = "PPP" end
    if not req:has("Filter-Id") then req["Filter-Id"] = "for " .. (req["NAS-Identifier"] or "") .. ", " .. (req["User-Name"] or "") end
    return
  end
  -- hints:3
  --   DEFAULT  Called-Station-Id =~ "^00-11"
  --     Hint += "near", Fall-Through = Yes
  if pattern1:test(req["Called-Station-Id"] or "") then
    req:add("Hint", "near")
  end
  -- hints:5
  --   DEFAULT  Suffix == ".only"
  if name:sub(-5) == ".only" then
    name = name:sub(1, -6)
    req["Stripped-User-Name"] = name
    return
  end
end)
