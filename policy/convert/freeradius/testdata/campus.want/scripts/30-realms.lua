-- Realms that are answered here, from FreeRADIUS's proxy.conf: users entries are found by the name without them.

local realms = {
  ["our.example"] = {name = "our.example", strip = true},
  ["null"] = {name = "NULL", strip = true},
  ["second.example"] = {name = "Second.example", strip = false},
}

on("authorize", {name = "realms"}, function(req)
  local name = req["Stripped-User-Name"] or req.user or ""
  local user, realm = name:match("^(.*)@(.*)$") -- suffix
  local home = realm and (realms[realm:lower()]) or not realm and realms.null
  if home then
    req["Realm"] = home.name
    if home.strip then req["Stripped-User-Name"] = user or name end
  end
end)
