-- Whoever has a token in the users file is asked for its code after the password. Others get in without.

attribute{name = "Token-Password", type = "string"} -- ours: never on the wire, and blanked like every password

local used = kv.open("used-codes", {persist = true}) -- a code is good for one login, also after a restart

on("reply", {name = "ask", when = {verdict = "accept", method = "pap"}}, function(req)
  local token = req.control["Token-Password"]
  if token then
    return challenge{next = "code", message = "Code:", timeout = "1m", state = {token = token}}
  end
end)

-- The State that came back was sealed by us: the password was right, and the token is as we put it in.
answer("code", function(req, text)
  if text and otp.totp(req.state.token, text, {used = used}) then
    return authenticated{} -- and the users file gives its reply pairs
  end
  return reject{message = "wrong code", reason = "code"}
end)
