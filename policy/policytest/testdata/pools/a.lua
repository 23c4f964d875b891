huntgroup("far", function(req) req.ctx.asked = (req.ctx.asked or 0) + 1 return req["NAS-Port"] == 9 end)

on("route", function(req)
  if req.user == "again2" then return proxy{pool="backup"} end
  if req.user == "routed" then return proxy{realm="example.net"} end
  if req.user == "here@example.net" then return handle_locally{strip=true} end
  if req.user == "as-it-is@example.net" then return handle_locally{strip=false} end
  if req.user == "whole@example.net" then return proxy{pool="example.net", strip=false} end
  if req.user == "bad" then return proxy{realm="nowhere" .. ".example", strip=1} end
  req.ctx.from = "route"
end)

on("pre_proxy", {name="vlans"}, function(req)
  req:del("Filter-Id")
  req["Class"] = "added"
  req:note("pre", tostring(req.proxy and req.proxy.result) .. " " .. req.user)
  if req.user == "refused" then return reject{message="not there", reason="policy"} end
  if req.user == "kept" then return handle_locally{} end
  if req.user == "turned" and not req.proxy then return proxy{pool="backup"} end
end)

on("post_proxy", {name="rescue", when={proxy={"timeout", "dead"}, user="ann"}}, function(req)
  return accept{["Session-Timeout"]=60, reason="rescue"}
end)

on("post_proxy", function(req)
  if req.user:match("^again") then return proxy{pool="backup"} end
  if req.user == "local" then return handle_locally{} end
  if req.user == "wrong" then return accept{} end
  if req.proxy.result ~= "accept" then return end
  req:note("got", tostring(req.proxy.reply["Filter-Id"]) .. " " .. tostring(req.reply["Filter-Id"]))
  req.reply["Filter-Id"] = nil
  req.reply:add("Reply-Message", "seen by " .. tostring(req.ctx.from) .. " " .. tostring(req:huntgroup("far")) .. req.ctx.asked)
end)

on("huntgroups", {when={huntgroup="far"}}, function(req) end)
on("reply", {when={proxy="reject", verdict="reject"}}, function(req) req.reply["Reply-Message"] = "no, says " .. req.proxy.pool end)
on("done", {when={proxy=true}}, function(req) req:trace("done %s of %s", req.proxy.result, tostring(req.proxy.realm)) end)
