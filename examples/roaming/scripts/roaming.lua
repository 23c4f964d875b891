-- roaming: guests log in at home, our own people here.
--
-- The realms file knows who answers for which realm. This script decides what a file cannot: which realms belong
-- to the federation, what a home server gets to see of our network, what of its answer holds here, and what
-- happens while a home server is away.

local guests = 200 -- VLAN of all guests

-- Members of the federation, as their list says; a line of its own in the realms file needs no place here.
local members = {
  ["campus.example"] = true,
  ["institute.example"] = true,
}

-- route: a realm with a line of its own goes by that line (nil: the realms file decides). What is left is a
-- member of the federation, or a mistyped name, which no federation should have to answer.
on("route", {name = "federation", when = {realm = true}, unless = {realm = {"our.example", "partner.example"}}}, function(req)
  if members[req.realm] then
    return proxy{pool = "federation"}
  end
  return reject{reason = "unknown-realm", message = "No such home organisation."}
end)

-- pre_proxy: `req` is what is sent, and nothing else: changes do not reach our records. A home server learns where
-- its user is (RFC 5580; the digit is the namespace, 1 a realm), but nothing of our VLANs.
on("pre_proxy", {name = "what-they-see"}, function(req)
  local site = req.client.vars.site
  req["Operator-Name"] = site and "1" .. site .. ".our.example" or "1our.example"
  for _, name in ipairs{"Tunnel-Type", "Tunnel-Medium-Type", "Tunnel-Private-Group-Id"} do
    req[name] = nil
  end
end)

-- post_proxy: `req.proxy.reply` is all that came, `req.reply` what is kept of it. A home server says who may come
-- in, not where: its VLAN means nothing here.
on("post_proxy", {name = "guest-network", when = {proxy = "accept"}}, function(req)
  req.reply:vlan(guests)
  req:note("home", req.proxy.server)
end)

-- Nobody answers: our partner's people may have an entry in our users file for that. Everybody else gets no
-- answer (nil does that), and the access point asks its second server.
on("post_proxy", {name = "partner-away", when = {proxy = {"timeout", "dead"}, realm = "partner.example"}}, function(req)
  req:note("away", req.proxy.result)
  req.reply:vlan(guests)
  return handle_locally{strip = false}
end)
