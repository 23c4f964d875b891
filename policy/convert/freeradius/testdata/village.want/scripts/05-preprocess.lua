-- What FreeRADIUS's preprocess module mends in each request.

-- DOMAIN\user is user.
on("hints", {name = "ntdomain", when = {user = "*\\*"}}, function(req)
  req.user = req.user:match("\\(.*)")
end)

-- A NAS that does not tell its address has the one that it sends from.
on("hints", {name = "nas-address", when = {["NAS-IP-Address"] = false}}, function(req)
  if not req.src:find(":", 1, true) then req["NAS-IP-Address"] = req.src end
end)
