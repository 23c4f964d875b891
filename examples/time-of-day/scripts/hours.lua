-- What Login-Time cannot say: outside of lessons pupils get in, but slowly, and closing days are closed.

local lessons = "Mo-Fr 08:00-13:30"
local closed = {["2024-12-24"] = true, ["2024-12-31"] = true}

on("authorize", {name = "closing-days"}, function(req)
  if closed[time.format(req.now, "%Y-%m-%d")] then
    return reject{message = "closed today", reason = "closed"}
  end
end)

on("reply", {name = "lessons", when = {verdict = "accept", user = "bob"}}, function(req)
  local inside, left = time.within(lessons, req.now)
  if not inside then
    req.reply["Filter-Id"] = "slow"
  end
  req.reply["Session-Timeout"] = left -- and then ask again: the other rule holds
  req.reply["Termination-Action"] = "RADIUS-Request"
end)
