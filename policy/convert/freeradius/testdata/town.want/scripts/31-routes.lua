-- Realms that are forwarded, from FreeRADIUS's proxy.conf, for names in the forms that its realm modules knew.

local realms = {
  ["both.example"] = {name = "both.example", strip = true},
  ["apart.example"] = {name = "apart.example", strip = false},
  ["auth.example"] = {name = "auth.example", strip = true},
  ["acct.example"] = {name = "acct.example", strip = true},
  ["old.example"] = {name = "old.example", strip = true},
  ["default"] = {name = "DEFAULT", strip = true},
}

on("route", {name = "realms"}, function(req)
  local user, realm, home
  user, realm = req.user:match("^(.*)@(.*)$") -- suffix
  home = realm and (realms[realm:lower()] or realms.default)
  if home then
    return nil -- as raddb/realms says
  end
  realm, user = req.user:match("^([^\\]*)\\(.*)$") -- ntdomain
  home = realm and (realms[realm:lower()] or realms.default)
  if home then
    if home.strip then req.user = user end
    return proxy{realm = home.name, strip = false}
  end
end)
