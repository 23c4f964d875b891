-- hints: the first look at every request.
--
-- A hints handler runs before anything else has judged the request: before huntgroups, before the users
-- file. It tidies the request up (the user's name above all) and leaves marks for later rules. It takes the
-- place of the hints file of GNU Radius.
--
-- A handler gets the request and returns nothing ("no opinion"), or a verdict such as reject{}. Save this
-- file while the server runs: the next request is decided by what you saved. If there is a mistake in it,
-- the server says where, and goes on with what it had.

-- Try it: change the word, save, and send the request again.
local greeting = "Welcome"

-- Tmp-String-0 is an internal attribute: it never goes on the wire. The users file puts it into the
-- Reply-Message of the user demo.
on("hints", {name = "greeting"}, function(req)
  req.control["Tmp-String-0"] = greeting
end)

-- Visitors may write their name with our realm; the users file knows them without. `when` is compared
-- natively, so requests without that realm cost no Lua at all.
on("hints", {name = "strip-realm", when = {realm = "example.org"}}, function(req)
  req.user = req.stripped
end)

-- The old way to ask for a kind of service: a suffix of the name. The mark is Hint, which the users file
-- compares (`DEFAULT Hint == "PPP"`).
local services = {
  [".ppp"] = "PPP",
  [".slip"] = "SLIP",
}

on("hints", {name = "service-suffix", when = {user = {"*.ppp", "*.slip"}}}, function(req)
  local name, suffix = req.user:match("^(.+)(%.%a+)$")
  if name and services[suffix] then
    req.user = name
    req:add("Hint", services[suffix])
  end
end)
