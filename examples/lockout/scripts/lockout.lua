-- Five wrong passwords in ten minutes lock a user out at one station; twenty names lock the station out. Both ends ten
-- minutes after they began. A user is never locked out everywhere: then anybody could lock anybody out.
local failures = kv.open("failures", {ttl = "10m"})
local names = window.open("names", {span = "10m", buckets = 10, distinct = true})

local function station(req)
  return req["Calling-Station-Id"] or req.src
end

local function key(req)
  return req.user:lower() .. " at " .. station(req)
end

on("authorize", {name = "locked"}, function(req)
  if (failures:get(key(req)) or 0) >= 5 or names:get(station(req)) >= 20 then
    return reject{reason = "locked"} -- nothing tells it from a wrong password but the log
  end
end)

on("reply", {name = "count", when = {reason = {"password", "unknown-user"}}}, function(req)
  failures:incr(key(req))
  names:add(station(req), req.user:lower())
end)

on("reply", {name = "forgive", when = {verdict = "accept"}}, function(req)
  failures:del(key(req))
end)
