test.clients [[
127.0.0.1       "a secret for the test"  test
192.0.2.0/28    "a secret for the test"  vpn-1
2001:db8::/32   "a secret for the test"  six
]]

local setups, rows = {}, {}
test.setup(function() setups[#setups + 1] = "first" end)
test.setup(function() setups[#setups + 1] = "second" end)

test.case("setup runs before each case, in order", function() test.equal(setups, {"first", "second"}) end)
test.case("and again", function() test.equal(setups, {"first", "second", "first", "second"}) end)

test.each("rows", {{user="open1"}, {user="open2"}, 5, "text", false}, function(row) rows[#rows + 1] = row end)
test.case("each ran once a row, in order", function()
  test.equal(rows, {{user="open1"}, {user="open2"}, 5, "text", false})
end)
test.each("no rows", {}, function() error("must not run") end)

test.case("defaults of send", function()
  expect(send{}):reject():message("test 127.0.0.1 none nil")
  expect(send{user="x", password="pw"}):reject("who"):message("test 127.0.0.1 pap pw")
  expect(send{user="x", password="pw", method="chap"}):message("test 127.0.0.1 chap nil")
  expect(send{user="x", password="pw", method="none"}):message("test 127.0.0.1 none nil")
end)

test.case("clients by name and address", function()
  expect(send{client="vpn-1", user="x", password="p"}):message("vpn-1 192.0.2.0 pap p")
  expect(send{client="192.0.2.7", user="x", password="p"}):reject("who")
  test.raises(function() send{client="vpn-2", user="x"} end, 'client: no client "vpn-2"; did you mean "vpn-1"?')
  test.raises(function() send{client="198.51.100.1", user="x"} end, 'client: no client "198.51.100.1"')
end)

test.case("misuse of send", function()
  test.raises(function() send() end, "argument 1 is nothing, expected table")
  test.raises(function() send{usr="x"} end, 'send: no option "usr"; did you mean "user"?')
  test.raises(function() send{5} end, "send: the key 1 is no option and no attribute")
  test.raises(function() send{user=5} end, "send: user: got a number, expected text")
  test.raises(function() send{method="eap"} end, 'method: got "eap", expected "pap", "chap", "mschap", "mschapv2" or "none"')
  test.raises(function() send{code="Access"} end, 'code: no request "Access"')
  test.raises(function() send{status="Begin"} end, 'Acct-Status-Type: got "Begin"')
  test.raises(function() send{["Nas-Port"]=1} end, 'send: "Nas-Port" is spelt "NAS-Port"')
  test.raises(function() send{["NAS-Port"]="x"} end, 'send: NAS-Port: got "x", expected digits')
end)

test.case("codes and verdicts", function()
  expect(send{status="Start", user="x"}):response()
  expect(send{status="Stop", user="x"}):discard():hook("acct")
  expect(send{code="Accounting-Request", user="x"}):response()
  expect(send{user="late", password="x"}):drop():hook("late")
  expect(send{user="silent", password="x"}):discard()
  test.equal(send{status="Start", user="x"}.verdict, "response")
  test.equal(send{status="Start", user="x"}.code, "Accounting-Response")
  test.equal(send{user="late", password="x"}.reason, "no-room")
end)

test.case("every call of expect, chained", function()
  expect(send{user="open", password="x"}):accept():hook("open"):hook("a.lua:7")
    :has("Reply-Message"):has("Reply-Message", "two"):has("Reply-Message", {"one", "two"})
    :has("Service-Type", "Framed-User"):has("Service-Type", 2):has("Framed-IP-Address", "192.0.2.9")
    :has("Tunnel-Private-Group-Id", "7"):lacks("Class"):lacks("Tunnel-Type:1"):message("one"):message("onetwo")
end)

test.case("the reply is a list", function()
  local r = send{user="open", password="x"}
  local names = {}
  for name in r:pairs() do names[#names + 1] = name end
  test.equal(#names, 8)
  test.equal(r:get("Reply-Message", 2), "two")
  test.equal(r:count("Reply-Message"), 2)
  test.equal(r:is("Session-Timeout", "<100"), true)
  test.equal(r["Session-Timeout"], 60)
  test.equal({r.verdict, r.reason, r.code, r.proxied, r.rule}, {"accept", "", "Access-Accept", false, ""})
  test.equal(r.hooks, {"a.lua:3", "a.lua:7"})
  test.equal(r.trace:find("a.lua:7", 1, true) ~= nil, true)
  test.raises(function() r:add("Class", "x") end, "reply is read-only")
  test.raises(function() r:note("k", 1) end, 'reply has no field or method "note"')
end)

test.case("what expect refuses", function()
  local r = send{user="open", password="x"}
  test.raises(function() expect(5) end, "expect: got a number, expected what send or answer gave")
  test.raises(function() expect(r):reject() end, "expected reject, got accept")
  test.raises(function() expect(r):drop() end, "expected drop, got accept")
  test.raises(function() expect(r):discard() end, "expected discard, got accept")
  test.raises(function() expect(r):response() end, "expected response, got accept")
  test.raises(function() expect(r):challenge("x") end, "expected challenge (x), got accept")
  test.raises(function() expect(r):proxied() end, "expected proxied, got accept")
  test.raises(function() expect(r).accept() end, "expect(r):accept(…) is written with a colon")
  test.raises(function() expect(r):has("Reply-Message", {"one"}) end, 'the reply (accept) has not Reply-Message = "one"')
  test.raises(function() expect(r):has("Reply-Message", {"two", "one"}) end, 'has not Reply-Message = "two", "one"')
  test.raises(function() expect(r):has("Service-Type", "Login-User") end, 'has not Service-Type = "Login-User"')
  test.raises(function() expect(r):has("Class") end, "has not Class = any value")
  test.raises(function() expect(r):has("Clas") end, 'unknown attribute "Clas"')
  test.raises(function() expect(r):lacks("Reply-Messag") end, 'unknown attribute "Reply-Messag"')
  test.raises(function() expect(r):message("three") end, 'has not Reply-Message = "three"')
  test.raises(function() expect(r):hook("who") end, 'hook "who" changed and decided nothing; those that did: ')
  test.raises(function() expect(r):rule("users:1") end, "rule users:1 did not match; those that did: none")
end)

test.case("rounds", function()
  local r = send{user="asks", password="x"}
  expect(r):challenge():challenge("asks"):has("State"):message("Code:")
  test.raises(function() expect(r):challenge("other") end, 'expected a challenge for answer "other", got one for "asks"')
  local second = r:answer("more")
  expect(second):challenge("asks")
  expect(second:answer("done")):accept():message("done 2 answer")
  expect(r:answer("again")):reject("state")
  test.raises(function() r:answer() end, "argument 2 is nothing, expected string")
end)

test.case("a challenge ends after its time", function()
  local r = send{user="asks", password="x"}
  clock.advance("89s")
  expect(r:answer("x")):accept()
  r = send{user="asks", password="x"}
  clock.advance("91s")
  expect(r:answer("x")):reject("state")
end)

test.case("the clock moves what scripts see", function()
  test.equal({os.date("%Y-%m-%d %H:%M:%S"), time.format(time.now(), "%a")}, {"2024-01-01 12:00:00", "Mon"})
  clock.advance(90)
  test.equal(os.date("%H:%M:%S"), "12:01:30")
  clock.advance("1d")
  test.equal(os.date("%d %H:%M:%S"), "02 12:01:30")
  clock.set("2026-01-05T09:00:00Z")
  test.equal(os.time(), 1767603600)
  clock.set("2026-02-03")
  test.equal(os.date("%F %T"), "2026-02-03 00:00:00")
  test.raises(function() clock.set("noon") end, "clock.set: got noon, expected epoch seconds")
  test.raises(function() clock.set() end, "clock.set: got nil")
  for _, odd in ipairs{0/0, 1/0, -1, 1e18} do
    test.raises(function() clock.set(odd) end, "expected epoch seconds")
  end
  clock.set(10413792000)
  test.equal(os.date("!%Y-%m-%d"), "2300-01-01")
  test.raises(function() clock.advance("-1s") end, "clock.advance: got -1s, expected a duration above zero")
end)

test.case("fire", function()
  test.fire("every", "tick")
  test.fire("load")
  test.raises(function() test.fire("every", "tock") end, 'nothing is registered for every "tock"')
  test.raises(function() test.fire("unload") end, "nothing is registered for unload")
  test.raises(function() test.fire("hourly", "tick") end, 'nothing is registered for hourly "tick"')
  test.raises(function() test.fire("every", "bad") end, "test.fire: ")
end)

test.case("equal", function()
  test.equal(nil, nil)
  test.equal({a={b={1, 2, {}}}}, {a={b={1, 2, {}}}})
  test.raises(function() test.equal(1, "1") end, 'not equal: got 1, want "1"')
  test.raises(function() test.equal({1, 2}, {1, 2, 3}) end, "not equal")
  test.raises(function() test.equal({1, 2, 3}, {1, 2}) end, "not equal")
  test.raises(function() test.equal({x=1, a="b"}, {x=1, a="c"}) end, "not equal")
  test.raises(function() test.equal(true) end, "not equal: got true, want nil")
end)

test.case("raises", function()
  test.raises(function() error("some text") end)
  test.raises(function() error("some text") end, "me te")
  test.raises(function() error({}) end, "table")
  test.raises(function() test.raises(function() error("a") end, "b") end, 'expected "b" in it')
  test.raises(function() test.raises(5) end, "argument 1 is number, expected function")
end)

test.case("registering calls belong to the top", function()
  for name, fn in pairs{["test.case"]=test.case, ["test.each"]=test.each, ["test.setup"]=test.setup, ["test.users"]=test.users, ["test.clients"]=test.clients} do
    test.raises(function() fn("x", {}, function() end) end, name .. " belongs to the top of the file, not into a case")
  end
end)

test.case("verdicts and modules are there, registrations are not", function()
  test.equal(tostring(accept{}), "accept{}")
  test.equal(json.decode("[1]"), {1})
end)

test.raises(function() send{} end, "send belongs into a case")
test.raises(function() test.fire("load") end, "test.fire belongs into a case")
