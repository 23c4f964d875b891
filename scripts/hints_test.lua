-- Tests of hints.lua. They run before a reload takes effect, and by hand with `perilune test`.

test.users [[
$DIALECT freeradius
ann  Cleartext-Password := "x"
     Reply-Message = "%{control:Tmp-String-0}",
     Fall-Through = Yes

DEFAULT Hint == "PPP"
     Framed-Protocol = PPP
]]

test.case("the greeting reaches the reply", function()
  -- Whatever the word is: it is yours to change.
  expect(send{user = "ann", password = "x"}):accept():has("Reply-Message"):lacks("Framed-Protocol")
end)

test.case("our realm is taken off", function()
  expect(send{user = "ann@example.org", password = "x"}):accept()
end)

test.case("a strange realm stays, so the name is unknown", function()
  expect(send{user = "ann@example.com", password = "x"}):reject("unknown-user")
end)

test.each("a suffix asks for a service", {
  {name = "ann.ppp", protocol = "PPP"},
  {name = "ann.slip"},
  {name = "ann"},
}, function(row)
  local r = expect(send{user = row.name, password = "x"}):accept()
  if row.protocol then
    r:has("Framed-Protocol", row.protocol)
  else
    r:lacks("Framed-Protocol")
  end
end)
