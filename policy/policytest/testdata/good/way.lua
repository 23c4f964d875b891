-- One handler for each place on the way.

on("hints", {name="lower"}, function(req)
  req.user = req.user:lower()
end)

huntgroup("dialup", function(req) return (req:int("NAS-Port") or 99) < 32 end)

on("route", {name="strange-realm", when={realm="*.evil"}}, function() return discard{} end)

on("authorize", {name="guests", when={user="guest*"}}, function(req)
  return accept{vlan=900, ["Session-Timeout"]=300, message="Welcome, guest"}
end)

on("authorize", {name="sso", when={["Class"]="ticket"}}, function() return authenticated{} end)

on("authorize", {name="from-script", when={user="carol"}}, function(req)
  req.control["Cleartext-Password"] = "script"
end)

auth_type("otp", function(req)
  if req.password ~= "first" then return reject{reason="first-factor"} end
  return challenge{next="code", message="Code:", state={user=req.user, tries=0}, echo=true}
end)

answer("code", function(req, text)
  if text == "123456" then return accept{message="Good, " .. req.state.user} end
  if req.state.tries < 1 then
    return challenge{next="code", message="Again:", state={user=req.state.user, tries=req.state.tries + 1}}
  end
  return reject{reason="wrong-code"}
end)

on("reply", {name="hours", when={verdict="accept", huntgroup="dialup"}}, function(req)
  req.reply["Session-Timeout"] = math.min(req.reply["Session-Timeout"] or 3600, 600)
end)

on("reply", {name="banned", when={user="mallory"}}, function() return reject{reason="banned"} end)

on("accounting", {name="skip", when={["Acct-Session-Id"]="test*"}}, function() return accept{record=false} end)
on("accounting", {name="broken", when={["Acct-Session-Id"]="broken"}}, function() error("no") end)

rewrite("double", function(req) return (req:int("NAS-Port") or 0) * 2 end)

every("1m", {name="sweep"}, function() log.debug("swept") end)
every("1m", {name="fails"}, function() error("sweep failed") end)

-- A one-time code behind the password: "hello;123456".
on("hints", {name="split", when={user="*+otp", method="pap"}}, function(req)
  local password, code = req.password:match("^(.*);(%d+)$")
  if not password then return reject{reason="no-code"} end
  req.password, req.ctx.code = password, code
  req.user = req.user:match("^(.*)%+otp$")
end)

on("reply", {name="code-of-ctx", when={verdict="accept"}}, function(req)
  if req.ctx.code and req.ctx.code ~= "123456" then return reject{reason="wrong-code"} end
end)

-- A second factor after the users file was content.
on("reply", {name="mfa", when={verdict="accept", method="pap", user="frank"}}, function(req)
  return challenge{next="mfa", message="Code:", state={}}
end)

answer("mfa", function(req, text)
  if text == "42" then return authenticated{} end
  return reject{reason="wrong-code", message="No."}
end)
