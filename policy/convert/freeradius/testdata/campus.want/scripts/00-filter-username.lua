-- Names that nobody has, from FreeRADIUS's policy filter_username (policy.d/filter:2).

on("hints", {name = "filter-username", when = {code = "Access-Request"}}, function(req)
  local name = req.user or ""
  if name:find(" ", 1, true)
      or name:find("@[^@]*@")
      or name:find("@", 1, true) and not name:find("@.+%..+$") then
    return reject{reason = "user-name"}
  end
end)
