-- Handlers that show what the calls of tests do.

on("hints", {name="stamp"}, function(req)
  req.control["Class"] = tostring(req.now)
end)

on("authorize", {name="open", when={user="open*"}}, function(req)
  return accept{{"Reply-Message", "one"}, {"Session-Timeout", 60}, {"Reply-Message", "two"}, vlan=7,
    ["Service-Type"]="Framed-User", ["Framed-IP-Address"]="192.0.2.9"}
end)

on("authorize", {name="late", when={user="late"}}, function() return drop{reason="no-room"} end)
on("authorize", {name="silent", when={user="silent"}}, function() return discard{} end)
on("authorize", {name="asks", when={user="asks"}}, function(req)
  return challenge{next="asks", state={n=1}, message="Code:", timeout="90s"}
end)

answer("asks", function(req, text)
  if text == "more" then return challenge{next="asks", state={n=req.state.n + 1}} end
  return accept{message=text .. " " .. req.state.n .. " " .. req.method}
end)

on("authorize", {name="who"}, function(req)
  return reject{reason="who", message=req.client.name .. " " .. req.src .. " " .. req.method .. " " .. tostring(req.password)}
end)

on("coa", {name="coa"}, function(req) return reject{error_cause=503} end)
on("accounting", {name="acct", when={status="Stop"}}, function(req) return discard{} end)

local loads = 0
on("load", function() if perilune.version == "x" then error("no") end end)
every("1h", {name="tick"}, function() log.info("tick") end)
every("2h", {name="bad"}, function() error({}) end)
