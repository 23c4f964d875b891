-- Realms that are answered here, from FreeRADIUS's proxy.conf: users entries are found by the name without them.

local realms = {
  ["village.example"] = {name = "village.example", strip = true},
  ["null"] = {name = "NULL", strip = true},
  ["default"] = {name = "DEFAULT", strip = false},
}

on("authorize", {name = "realms"}, function(req)
  local name = req["Stripped-User-Name"] or req.user or ""
  local realm, user = name:match("^([^\\]*)\\(.*)$") -- ntdomain
  local home = realm and (realms[realm:lower()] or realms.default)
  if home then
    req["Realm"] = home.name
    if home.strip then req["Stripped-User-Name"] = user end
    return
  end
  local user, realm = name:match("^(.*)@(.*)$") -- suffix
  local home = realm and (realms[realm:lower()] or realms.default) or not realm and realms.null
  if home then
    req["Realm"] = home.name
    if home.strip then req["Stripped-User-Name"] = user or name end
  end
end)
