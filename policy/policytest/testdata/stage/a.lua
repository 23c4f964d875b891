-- Scripts that remember: tables, windows, timers, and a table that a function changes behind the check's back.
local lib = require("lib.counter")
local seen = kv.open("seen", {ttl="10m"})
local rate = window.open("rate", {span="1m"})
local api = http.open{base="https://api.example"}
local list = {}
local function remember(user) list[#list + 1] = user end

on("authorize", {name="report", when={user="report"}}, function(req)
  return accept{message=tostring(math.random(1000000)) .. bytes.hex(crypto.random(4))}
end)
on("authorize", {name="count"}, function(req)
  remember(req.user)
  rate:add("all", 1)
  return accept{message=("%d %d %d %d"):format(#list, lib.next(), seen:incr("n", 1), rate:get("all"))}
end)

every("30s", {name="often"}, function() seen:incr("often", 1) end)
every("1h", {name="seldom"}, function() seen:incr("seldom", 1) end)
every("1h", {name="asks"}, function() if seen:get("ask") then api:get("/sweep") end end)

on("hints", {name="late", when={user="late"}}, function() require("lib.other") end)
on("load", function() seen:set("loaded", true) end)
