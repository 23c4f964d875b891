test.users [[
$DIALECT freeradius
local Cleartext-Password := "x"
    Reply-Message = "from here"
kept Cleartext-Password := "x"
here Cleartext-Password := "x"
as-it-is@example.net Cleartext-Password := "x"
bob Cleartext-Password := "unused"
    Session-Timeout = 77
me Cleartext-Password := "x"
]]

test.case("sent on by the realms file: strip, what pre_proxy changes, and back", function()
  local home = mock.pool("example.net", function(p)
    test.equal({p["User-Name"], p["User-Password"], p["Filter-Id"], p.Class, p.code, p.pool, p.server},
      {"bob", "hello", nil, "added", "Access-Request", "example.net", "192.0.2.1"})
    test.equal(p:count("Proxy-State"), 2)
    return accept{["Filter-Id"]="strange", ["Framed-IP-Address"]="198.51.100.7", message="welcome"}
  end)
  local r = send{user="bob@example.net", password="hello", ["Filter-Id"]="a", ["NAS-Port"]=9, ["Proxy-State"]="theirs"}
  expect(r):accept():has("Framed-IP-Address", "198.51.100.7"):lacks("Filter-Id"):has("Proxy-State", "theirs")
    :has("Session-Timeout", 77):has("Reply-Message", {"welcome", "seen by route true1"})
    :proxied():proxied{pool="example.net", realm="example.net", server="192.0.2.1", attempts=1, took=0, result="accept"}
  test.equal(r.proxied.reply["Filter-Id"], "strange")
  test.equal(r:count("Proxy-State"), 1)
  test.equal(#home:calls(), 1)
  test.equal(home:calls()[1]["User-Name"], "bob")
  test.equal(r.trace:find("done accept of example.net", 1, true) ~= nil, true)
end)

test.case("a realm that keeps its name, with Operator-Name", function()
  local home = mock.pool("keep.example", accept{})
  expect(send{user="bob@keep.example", password="x"}):accept():proxied{pool="keep.example"}
  local p = home:calls()[1]
  test.equal({p["User-Name"], p["Operator-Name"]}, {"bob@keep.example", "1here.example"})
end)

test.case("CHAP is sent on with its challenge", function()
  local home = mock.pool("example.net", accept{})
  expect(send{user="bob@example.net", password="x", method="chap"}):accept()
  local p = home:calls()[1]
  test.equal({p:has("CHAP-Challenge"), #p["CHAP-Challenge"], p:has("CHAP-Password")}, {true, 16, true})
end)

test.case("a reject is passed on", function()
  mock.pool("example.net", reject{message="wrong"})
  expect(send{user="bob@example.net", password="x"}):reject("home-server-reject"):message("no, says example.net"):proxied{result="reject"}
end)

test.case("a challenge of the home server, and its answer", function()
  local home = mock.pool("example.net", function(p)
    if p.State == nil then return challenge{State="round one", message="Code:"} end
    test.equal({p.State, p["User-Password"]}, {"round one", "1234"})
    return accept{}
  end)
  local r = send{user="eve@example.net", password="x"}
  expect(r):challenge():message("Code:"):has("State", "round one"):proxied{result="challenge"}
  expect(r:answer("1234")):accept()
  test.equal(#home:calls(), 2)
end)

test.case("accounting", function()
  local home = mock.pool("example.net", accept{})
  local r = send{user="bob@example.net", status="Start", ["Acct-Session-Id"]="s1"}
  expect(r):response():proxied{result="response", pool="example.net"}
  test.equal({home:calls()[1].code, home:calls()[1]["User-Name"]}, {"Accounting-Request", "bob"})
end)

test.each("nobody answers", {
  {how=mock.fail("timeout"), result="timeout", reason="home-server-timeout", attempts=6, server="192.0.2.2"},
  {how=mock.fail("dead"), result="dead", reason="no-home-server", attempts=0},
  {how=drop{}, result="timeout", reason="home-server-timeout", attempts=6, server="192.0.2.2"},
}, function(row)
  mock.pool("example.net", row.how)
  local r = send{user="bob@example.net", password="x"}
  expect(r):drop():proxied{result=row.result, attempts=row.attempts, server=row.server}
  test.equal({r.reason, r.proxied.server}, {row.reason, row.server})
  expect(send{user="bob@example.net", status="Stop", ["Acct-Session-Id"]="s"}):drop()
end)

test.case("post_proxy in place of a home server", function()
  mock.pool("example.net", mock.fail("dead"))
  expect(send{user="ann@example.net", password="x"}):accept():has("Session-Timeout", 60):hook("rescue"):proxied{result="dead"}
end)

test.case("a realm that rejects when its servers are dead", function()
  mock.pool("sad.example", mock.fail("dead"))
  expect(send{user="bob@sad.example", password="x"}):reject()
end)

test.case("verdicts of route", function()
  local home = mock.pool("example.net", accept{})
  expect(send{user="routed", password="x"}):accept():proxied{pool="example.net"}
  expect(send{user="here@example.net", password="x"}):accept()
  test.equal(send{user="here@example.net", password="x"}.proxied, false)
  expect(send{user="as-it-is@example.net", password="x"}):accept()
  expect(send{user="whole@example.net", password="x"}):accept():proxied()
  test.equal(home:calls()[2]["User-Name"], "whole@example.net")
end)

test.case("verdicts of pre_proxy", function()
  local home, other = mock.pool("example.net", accept{}), mock.pool("backup", accept{})
  expect(send{user="refused@example.net", password="x"}):reject("policy"):message("not there")
  expect(send{user="kept@example.net", password="x"}):accept()
  expect(send{user="turned@example.net", password="x"}):accept():proxied{pool="backup"}
  test.equal({#home:calls(), #other:calls()}, {0, 1})
end)

test.case("verdicts of post_proxy", function()
  local home = mock.pool("example.net", reject{})
  expect(send{user="local@example.net", password="x"}):accept():message("from here")
  test.equal(#home:calls(), 1)
  expect(send{user="wrong@example.net", password="x"}):reject("hook-failed")
end)

test.case("three proxy verdicts at most", function()
  local home, other = mock.pool("example.net", mock.fail("timeout")), mock.pool("backup", mock.fail("timeout"))
  expect(send{user="again@example.net", password="x"}):drop()
  test.equal({#home:calls(), #other:calls()}, {1, 3}) -- by the realms file, then by three verdicts
  expect(send{user="again2", password="x"}):drop()
  test.equal({#home:calls(), #other:calls()}, {1, 6})
end)

test.case("DEFAULT's realms", function()
  local home, own = mock.pool("DEFAULT", accept{}), mock.pool("Own.example", reject{})
  expect(send{user="me@any.example", password="x"}):accept():proxied{pool="DEFAULT", realm="any.example"}
  expect(send{user="me@own.example", password="x"}):reject():proxied{pool="DEFAULT", realm="own.example"}
  test.equal({#home:calls(), #own:calls(), home:calls()[1]["User-Name"]}, {1, 1, "me@any.example"})
end)

test.case("what stays here", function()
  test.equal(send{user="me@our.example", password="x"}.proxied, false)
  expect(send{user="me@noacct.example", status="Start", ["Acct-Session-Id"]="1"}):response()
  expect(send{user="me", password="x"}):accept()
end)

test.case("what mock.pool refuses", function()
  test.raises(function() mock.pool("our.example", accept{}) end, "mock.pool: our.example is LOCAL in the realms file")
  test.raises(function() mock.pool("example.net", 5) end, "mock.pool: got a number, expected accept{}, reject{}, challenge{}, drop{} or mock.fail")
  test.raises(function() mock.pool("example.net", handle_locally{}) end, "handle_locally{} is no answer to Access-Request")
  test.raises(function() mock.pool("example.net") end, "mock.pool: got a nil")
  test.raises(function() mock.fail("slow") end, 'mock.fail: got "slow"; expected "timeout", "refused"')
  test.raises(function() accept{next="x"} end, 'accept: no option "next"')
  test.raises(function() challenge{["Proxy-State"]="x"} end, "Proxy-State is written by the server alone")
  test.raises(function() proxy{realm="example.net"} end, 'proxy: no option "realm"')
end)

test.case("what proxied refuses", function()
  mock.pool("example.net", accept{})
  local r = send{user="bob@example.net", password="x"}
  test.raises(function() expect(r):proxied{pool="other"} end, 'another pool')
  test.raises(function() expect(r):proxied{pol="x"} end, 'proxied: no field "pol"; did you mean "pool"?')
  test.raises(function() expect(r):proxied("example.net") end, "proxied: got a string, expected a table")
  test.raises(function() expect(send{user="me", password="x"}):proxied{} end, "expected proxied, got accept")
end)

test.case("a reply of a home server outlives nothing", function()
  mock.pool("example.net", accept{Class="c"})
  local r = send{user="bob@example.net", password="x"}
  test.raises(function() r.proxied.reply["Class"] = "x" end, "read-only")
  test.equal(r.proxied.reply.Class, "c")
end)
