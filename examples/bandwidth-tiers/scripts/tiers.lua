-- Each subscriber has a tier in the database, and the NAS limits the session to it. When the tier changes, the NAS hears of
-- it by CoA, without a new login.

local db = sql.open("billing") -- [backend.sql.billing] of config.toml

on("authorize", function(req)
  local row = db:row([[
    SELECT password, tier, down, up FROM subscriber JOIN tier ON tier.name = tier WHERE subscriber.name = $1]], req.user)
  if row then
    req.control["Cleartext-Password"] = row.password
    req.ctx.tier = {name = row.tier, down = row.down, up = row.up}
  end
end)

on("reply", {when = {verdict = "accept"}}, function(req)
  local tier = req.ctx.tier
  if tier then
    req.reply["WISPr-Bandwidth-Max-Down"] = tier.down
    req.reply["WISPr-Bandwidth-Max-Up"] = tier.up
    db:exec("UPDATE subscriber SET told = $1 WHERE name = $2", tier.name, req.user)
  end
end)

-- What a NAS does not take is tried again the next time: told stays as it was.
every("10s", {name = "tiers"}, function()
  for _, row in ipairs(db:rows([[
    SELECT subscriber.name AS name, tier, down, up FROM subscriber JOIN tier ON tier.name = tier
    WHERE told <> tier ORDER BY subscriber.name LIMIT 100]])) do
    local all = true
    for _, session in ipairs(radius.sessions{user = row.name}) do
      local r = radius.try_coa{session = session, ["WISPr-Bandwidth-Max-Down"] = row.down, ["WISPr-Bandwidth-Max-Up"] = row.up}
      all = all and r ~= nil and r.ok
    end
    if all then
      db:exec("UPDATE subscriber SET told = $1 WHERE name = $2", row.tier, row.name)
      log.info("tier changed", {user = row.name, tier = row.tier})
    end
  end
end)
