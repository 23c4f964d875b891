test.clients [[
127.0.0.1  "a secret of the test NAS"  test  dynamic-authorization=yes
127.0.0.2  "a secret of another NAS"   other type=hostapd var.site=north
]]

local function start(user, id, more)
  local t = more or {}
  t.status, t.user, t["Acct-Session-Id"], t.client = "Start", user, id, t.client or "test"
  return send(t)
end

test.case("sessions are those of the case", function()
  test.equal(radius.count{}, 0)
  start("bob", "1", {["NAS-Port"]=7, ["Calling-Station-Id"]="02-00-00-00-00-01", ["Framed-IP-Address"]="192.0.2.9"})
  start("bob", "2", {client="other"})
  start("ann", "3")
  test.equal({radius.count{}, radius.count{user="bob"}, radius.count{user="bo"}, radius.count{nas="other"}}, {3, 2, 0, 1})
  test.equal(radius.count{calling="02:00:00:00:00:01"}, 1)
  test.equal(radius.count{since=0}, 3)
  test.equal(#radius.sessions{limit=2}, 2)
  local s = radius.sessions{user="bob", calling="020000000001"}[1]
  test.equal({s.user, s.id, s.nas_port, s.calling, s.framed_address, s.client, s.seconds}, {"bob", "1", "7", "02-00-00-00-00-01", "192.0.2.9", "test", 0})
  send{status="Stop", user="bob", ["Acct-Session-Id"]="1", client="test"}
  test.equal(radius.count{user="bob"}, 1)
end)

test.case("another case has none of them", function() test.equal(radius.count{}, 0) end)

test.case("disconnect, from a handler", function()
  local m = mock.coa(function(p)
    test.equal({p.code, p.client, p["User-Name"], p["Acct-Session-Id"], p:has("Event-Timestamp")}, {"Disconnect-Request", "test", "bob", "1", true})
    return reject{error_cause=503}
  end)
  start("bob", "1")
  send{user="bob", password="wrong"}
  test.equal(#m:calls(), 1)
end)

test.case("coa of the request itself, queued", function()
  local m = mock.coa(accept{})
  start("bob", "1", {["Filter-Id"]="slow"})
  local p = m:calls()[1]
  test.equal({p.code, p["User-Name"], p["Acct-Session-Id"], p["Filter-Id"], p["Session-Timeout"]}, {"CoA-Request", "bob", "1", "slow", 60})
end)

test.each("what a NAS may answer", {
  {true, true, "Disconnect-ACK"}, {false, false, "Disconnect-NAK"}, {{ok=true}, true, "Disconnect-ACK"},
  {{ok=false, error_cause="Session-Context-Not-Removable"}, false, "Disconnect-NAK", "Session-Context-Not-Removable"},
  {{error_cause=506}, false, "Disconnect-NAK", "Resources-Unavailable"},
  {accept{}, true, "Disconnect-ACK"}, {reject{error_cause=404}, false, "Disconnect-NAK", "Invalid-Request"},
}, function(row)
  mock.coa(row[1])
  start("bob", "1")
  local r = radius.disconnect{session=radius.sessions{}[1]}
  test.equal({r.ok, r.code, r.error_cause}, {row[2], row[3], row[4]})
end)

test.each("and how it may fail", {{drop{}, "timeout"}, {mock.fail, "timeout"}, {mock.fail, "dead"}}, function(row)
  local answer = row[1]
  if answer == mock.fail then answer = mock.fail(row[2]) end
  mock.coa(answer)
  start("bob", "1")
  local s = radius.sessions{}[1]
  local r, err = radius.try_disconnect{session=s}
  test.equal(r, nil)
  test.equal(err:find(row[2] == "dead" and "refused: " or "timeout: ", 1, true), 1)
  test.raises(function() radius.disconnect{session=s} end, "radius: ")
end)

test.case("of a request without a session", function()
  mock.coa(function(p)
    test.equal({p["User-Name"], p["NAS-Port"]}, {"counted", 3})
    return true
  end)
  start("bob", "1")
  expect(send{user="counted", password="x", ["NAS-Port"]=3}):accept():message("1 Disconnect-ACK nil")
end)

test.case("which attributes a NAS gets is a matter of its type", function()
  local m = mock.coa(true)
  start("bob", "1", {client="other", ["NAS-Port"]=7, ["Framed-IP-Address"]="192.0.2.9"})
  radius.coa{session=radius.sessions{}[1], ["Filter-Id"]={"a", "b"}, ["Cisco-AVPair"]="x=y"}
  local p = m:calls()[1]
  test.equal({p:has("NAS-Port"), p:has("Framed-IP-Address"), p:all("Filter-Id"), p["Cisco-AVPair"]}, {false, false, {"a", "b"}, "x=y"})
end)

test.case("close", function()
  start("bob", "1")
  local s = radius.sessions{}[1]
  test.equal({radius.close(s), radius.count{}, radius.close(s), radius.try_close(s.unique)}, {true, 0})
  local r, err = radius.try_disconnect{session=s}
  test.equal({r, err}, {nil, "refused: the session is over"})
end)

test.case("client", function()
  local c = radius.client("127.0.0.2")
  test.equal({c.name, c.type, c.address, c.vars.site}, {"other", "hostapd", "127.0.0.2", "north"})
  test.equal(radius.client("192.0.2.77"), nil)
  local c, err = radius.client("nowhere")
  test.equal({c, err}, {nil, '"nowhere" is no address'})
end)

test.case("auth", function()
  local home = mock.pool("example.net", function(p)
    if p["User-Password"] == "right" then return accept{message="hello"} end
    return reject{}
  end)
  expect(send{user="asked", password="right"}):accept():message("true Access-Accept hello")
  expect(send{user="asked", password="wrong"}):accept():message("false Access-Reject nil")
  test.equal(home:calls()[1]["User-Name"], "ann")
  local r, err = radius.try_auth{pool="nowhere", user="a", password="b"}
  test.equal({r, err}, {nil, "refused: the realms file has no home servers nowhere"})
end)

test.case("requests that are received are passed on to the NAS", function()
  local m = mock.coa(function(p) return reject{error_cause=504} end)
  start("bob", "1", {client="other"})
  local r = send{code="Disconnect-Request", user="bob"}
  expect(r):reject("nas"):has("Error-Cause", "Session-Context-Not-Removable"):proxied()
  test.equal({r.code, #m:calls(), m:calls()[1].client}, {"Disconnect-NAK", 1, "other"})
  expect(send{code="CoA-Request", user="nobody"}):reject("no-session"):has("Error-Cause", "Session-Context-Not-Found")
  expect(send{code="CoA-Request", user="mine"}):reject():has("Error-Cause", "Resources-Unavailable")
  expect(send{code="CoA-Request", user="there"}):reject("nas")
  start("eve", "9")
  expect(send{code="CoA-Request", user="bob", client="other"}):reject("nas") -- its own session
  expect(send{code="CoA-Request", user="eve", client="other"}):reject("no-session") -- another NAS has it
end)

test.case("misuse", function()
  start("bob", "1")
  local s = radius.sessions{}[1]
  for text, fn in pairs{
    ['no option "usr"; expected user, nas'] = function() radius.sessions{usr="x"} end,
    ["user: got 7, expected text"] = function() radius.count{user=7} end,
    ["since: got \"yesterday\", expected epoch seconds"] = function() radius.count{since="yesterday"} end,
    ["limit: got 1001, expected a whole number from 1 to 1000"] = function() radius.sessions{limit=1001} end,
    ["limit: got 0.5"] = function() radius.sessions{limit=0.5} end,
    ["session=: got a nil, expected a session of radius.sessions, or req"] = function() radius.disconnect{} end,
    ['session=: got "bob"'] = function() radius.disconnect{session="bob"} end,
    ["session=: got a table"] = function() radius.disconnect{session={}} end,
    ["wait: got 1, expected true or false"] = function() radius.disconnect{session=s, wait=1} end,
    ['no option "timeout"'] = function() radius.coa{session=s, timeout=1} end,
    ["Message-Authenticator is written by the server alone"] = function() radius.coa{session=s, ["Message-Authenticator"]="x"} end,
    ["unknown attribute \"Filter-Idd\""] = function() radius.coa{session=s, ["Filter-Idd"]="x"} end,
    ["is internal; it is never sent"] = function() radius.coa{session=s, ["Simultaneous-Use"]=1} end,
    ["the key 1 is no option"] = function() radius.coa{s} end,
    ["a session as radius.sessions gives it"] = function() radius.close("x") end,
    ["pool and user must be given"] = function() radius.auth{user="x"} end,
    ['no option "realm"'] = function() radius.auth{realm="x"} end,
    ["password: got a nil"] = nil,
    ["expected table"] = function() radius.sessions() end,
  } do
    test.raises(fn, text)
  end
  mock.coa(true)
  local r, err = radius.try_disconnect{session=s, ["Session-Timeout"]=1}
  test.equal({r, err}, {nil, "refused: Session-Timeout: a Disconnect-Request says only which session and why"})
end)
