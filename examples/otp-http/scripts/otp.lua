-- The password is the users file's; then the code of a token is asked for, and an HTTP service judges it.

local service = http.open("otp") -- [backend.http.otp] of config.toml

on("reply", {name = "ask", when = {verdict = "accept", method = "pap"}}, function(req)
  return challenge{next = "code", message = "Code:", timeout = "1m"}
end)

-- A service that does not answer, or with 5xx, ends this with drop: the NAS asks its next server. Nobody gets in.
answer("code", {timeout = "2s"}, function(req, text)
  local r = service:post("/check", {json = {user = req.user, code = text}})
  local said = r.status == 200 and r:json()
  if said and said.ok == true then
    return authenticated{} -- and the users file gives its reply pairs
  end
  return reject{message = "wrong code"}
end)
