-- Handlers that ask NASes and look at sessions.

on("done", {name="quarantine", when={code="Access-Request", verdict="reject"}}, function(req)
  for _, s in ipairs(radius.sessions{user=req.user}) do
    local r = radius.disconnect{session=s}
    log.info("told", {ok=tostring(r.ok), cause=tostring(r.error_cause)})
  end
end)

on("done", {name="slow down", when={code="Accounting-Request", ["Filter-Id"]="slow"}}, function(req)
  radius.coa{session=req, ["Filter-Id"]="slow", ["Session-Timeout"]=60, wait=false}
end)

on("authorize", {when={["User-Name"]="counted"}}, function(req)
  local n = radius.count{user="bob"}
  local r, err = radius.try_disconnect{session=req}
  return accept{message=n .. " " .. tostring(r and r.code) .. " " .. tostring(err)}
end)

on("coa", {when={["User-Name"]="mine"}}, function(req) return reject{error_cause="Resources-Unavailable"} end)
on("coa", {when={["User-Name"]="there"}}, function(req) return proxy{client="test"} end)

on("authorize", {when={["User-Name"]="asked"}}, function(req)
  local r = radius.auth{pool="example.net", user="ann", password=req.password}
  return accept{message=tostring(r.ok) .. " " .. r.code .. " " .. tostring(r.message)}
end)
