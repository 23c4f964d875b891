-- The secret of ann's token is that of RFC 6238; the clock stands where its code is known (appendix B, 6 digits).
local function login(password)
  clock.set("2009-02-13T23:31:30Z")
  return send{client = "vpn-1", user = "ann", password = password or "hello"}
end

test.case("password, then code", function()
  local r = login()
  expect(r):challenge("code"):message("Code:"):has("State"):lacks("Class")
  expect(r:answer("005924")):accept():has("Class", "staff")
end)

test.case("a code is good once", function()
  expect(login():answer("005924")):accept()
  expect(login():answer("005924")):reject("code")
end)

test.case("a wrong code, an old one, none", function()
  expect(login():answer("005925")):reject("code")
  local r = login()
  clock.advance("2m")
  expect(r:answer("005924")):reject("state")
end)

test.case("a wrong password is asked for nothing", function()
  expect(login("no")):reject("password")
end)

test.case("no token, no question", function()
  expect(send{client = "vpn-1", user = "bob", password = "hello"}):accept()
end)
