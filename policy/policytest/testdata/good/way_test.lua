test.users [[
$DIALECT freeradius
bob    Cleartext-Password := "hello"
       Reply-Message = "Hello, bob"

mallory Cleartext-Password := "hello"

ann    Auth-Type := otp

ticket Auth-Type := Reject

frank  Cleartext-Password := "pw"
       Class = "staff", Session-Timeout = 60

dave   Huntgroup-Name == "dialup", Cleartext-Password := "x"
       Session-Timeout = "=double(req) * 10"
]]

test.clients [[
192.0.2.0/28  "a secret for the test"  vpn-1
]]

local port = {["NAS-Port"] = 40}

test.setup(function() port["NAS-Port"] = 40 end)

test.case("the users file answers", function()
  expect(send{client="vpn-1", user="bob", password="hello", ["NAS-Port"]=99})
    :accept():message("Hello, bob"):lacks("Session-Timeout"):rule("users:2")
  expect(send{user="bob", password="wrong"}):reject("password")
  expect(send{user="nobody", password="x"}):reject("unknown-user")
end)

test.case("hints make names lower case, chap works", function()
  expect(send{user="BOB", password="hello", method="chap"}):accept():hook("lower")
end)

test.case("a hook accepts, the reply hook shortens", function()
  local r = send{user="guest7", ["NAS-Port"]=3, password="x"}
  expect(r):accept():message("Welcome, guest"):has("Tunnel-Type", "VLAN"):has("Tunnel-Private-Group-Id", "900")
    :has("Session-Timeout", 300):hook("guests")
  test.equal(r["Session-Timeout"], 300)
  test.equal(r.verdict, "accept")
  test.equal(r.code, "Access-Accept")
  test.equal(r:all("Tunnel-Type"), {"VLAN"})
  test.equal(r:int("Tunnel-Type"), 13)
end)

test.case("a huntgroup in the users file, an expression", function()
  expect(send{user="dave", password="x", ["NAS-Port"]=5}):accept():has("Session-Timeout", 100)
  expect(send{user="dave", password="x", ["NAS-Port"]=50}):reject()
end)

test.case("two rounds", function()
  local r = send{user="ann", password="first"}
  expect(r):challenge("code"):has("State"):message("Code:"):has("Prompt", "Echo")
  expect(r:answer("123456")):accept():message("Good, ann")
  r = send{user="ann", password="first"}:answer("1")
  expect(r):challenge("code"):message("Again:")
  expect(r:answer("2")):reject("wrong-code")
  expect(send{user="ann", password="other"}):reject("first-factor")
end)

test.case("a State is good for a while", function()
  local r = send{user="ann", password="first"}
  clock.advance("10m")
  expect(r:answer("123456")):reject("state")
end)

test.case("a hook supplies the password", function()
  expect(send{user="carol", password="script"}):accept()
  expect(send{user="carol", password="other"}):reject("password")
end)

test.case("authenticated: the users file gives the rest", function()
  expect(send{user="zoe", Class="ticket"}):accept():hook("sso")
  expect(send{user="ticket", Class="ticket"}):reject()
end)

test.case("discard, and a reply hook that rejects", function()
  expect(send{user="x@y.evil", password="x"}):discard()
  expect(send{user="mallory", password="hello"}):reject("banned"):hook("banned")
end)

test.case("accounting", function()
  expect(send{status="Start", user="bob", ["Acct-Session-Id"]="1"}):response()
  expect(send{status="Stop", user="bob", ["Acct-Session-Id"]="test-1"}):response():hook("skip")
  expect(send{status="Stop", user="bob", ["Acct-Session-Id"]="broken"}):drop()
end)

test.each("names", {{name="bob"}, {name="Bob"}, {name="bOB"}}, function(row)
  expect(send{user=row.name, password="hello"}):accept()
end)

test.case("the clock", function()
  test.equal(os.date("%A %H:%M"), "Monday 12:00")
  clock.advance("90s")
  test.equal(os.date("%H:%M:%S"), "12:01:30")
  clock.set("2026-01-05 09:00")
  test.equal(os.date("%Y-%m-%d %H:%M"), "2026-01-05 09:00")
  clock.set(1700000000)
  test.equal(os.time(), 1700000000)
end)

test.case("the clock was put back", function() test.equal(os.date("%H:%M"), "12:00") end)

test.case("timers", function()
  test.fire("every", "sweep")
  test.raises(function() test.fire("every", "fails") end, "sweep failed")
  test.raises(function() test.fire("every", "gone") end, 'nothing is registered for every "gone"')
end)

test.case("equal and raises", function()
  test.equal({1, {a="b"}}, {1, {a="b"}})
  test.raises(function() test.equal({1}, {2}) end, "not equal")
  test.raises(function() error("oh") end, "oh")
  test.raises(function() test.raises(function() end, "x") end, "nothing was raised")
end)

test.case("password and code in one", function()
  expect(send{user="bob+otp", password="hello;123456"}):accept():message("Hello, bob"):hook("split")
  expect(send{user="bob+otp", password="hello;1"}):reject("wrong-code")
  expect(send{user="bob+otp", password="hello"}):reject("no-code"):hook("split")
  expect(send{user="bob+otp", password="bad;123456"}):reject("password")
end)

test.case("a second factor from reply", function()
  local r = send{user="frank", password="pw"}
  expect(r):challenge("mfa"):lacks("Class")
  expect(r:answer("42")):accept():has("Class", "staff"):has("Session-Timeout", {60})
  r = send{user="frank", password="pw"}
  expect(r:answer("43")):reject("wrong-code"):message("No."):lacks("Class")
  test.equal(send{user="frank", password="bad"}.reason, "password")
end)

test.case("fields of a reply", function()
  local r = send{client="vpn-1", user="bob", password="hello"}
  test.equal(r.rule, "users:2")
  test.equal(r.hooks, {})
  test.equal(r.proxied, false)
  test.equal(r:has("Reply-Message"), true)
  test.raises(function() r["Reply-Message"] = "x" end, "reply is read-only")
  test.raises(function() return r.nothing end, 'reply has no field or method "nothing"')
  test.equal(send{client="192.0.2.5", user="bob", password="hello"}.verdict, "accept")
  test.equal(send{user="x@y.evil", password="x"}.code, "")
  expect(send{code="Status-Server"}):accept()
end)
