-- Tests of roaming.lua. mock.pool stands for the home servers of one line of the realms file, and its function
-- gets the packet as they would: `p` is a list like req.

test.case("our own people are answered here", function()
  local r = send{user = "ann@our.example", password = "hello"}
  expect(r):accept():has("Session-Timeout", 28800):lacks("Tunnel-Private-Group-Id")
  test.equal(r.proxied, false)
end)

test.case("a guest of our partner", function()
  local home = mock.pool("partner.example", accept{vlan = 7, ["Session-Timeout"] = 3600})
  expect(send{client = "ap-annex", user = "bob@partner.example", password = "x", ["Tunnel-Private-Group-Id"] = "12"})
    :accept():proxied{pool = "partner.example", server = "198.51.100.1"}
    :has("Session-Timeout", 3600):has("Tunnel-Private-Group-Id", {"200"}):hook("guest-network")
  local p = home:calls()[1]
  test.equal({p["User-Name"], p["User-Password"], p["Operator-Name"]}, {"bob@partner.example", "x", "1annex.our.example"})
  test.equal(p:has("Tunnel-Private-Group-Id"), false)
end)

test.case("a guest whom the home server refuses", function()
  mock.pool("partner.example", reject{message = "Unpaid."})
  expect(send{user = "bob@partner.example", password = "x"}):reject():message("Unpaid.")
end)

test.case("a guest with a second factor", function()
  mock.pool("federation", function(p)
    if p.State == nil then
      return challenge{State = "1", message = "Code:"}
    end
    if p["User-Password"] == "123456" then
      return accept{}
    end
    return reject{}
  end)
  local r = send{user = "dora@campus.example", password = "x"}
  expect(r):challenge():message("Code:")
  expect(r:answer("123456")):accept():has("Tunnel-Private-Group-Id", "200")
  r = send{user = "dora@campus.example", password = "x"}
  expect(r:answer("000000")):reject()
end)

test.each("the federation's members and no others", {
  {realm = "campus.example", pool = "federation"},
  {realm = "Institute.Example", pool = "federation"},
  {realm = "campus.exmaple"},
}, function(row)
  mock.pool("federation", accept{})
  local r = send{user = "dora@" .. row.realm, password = "x"}
  if row.pool then
    expect(r):accept():proxied{pool = row.pool}
  else
    expect(r):reject("unknown-realm"):hook("federation")
  end
end)

test.each("our partner is away", {
  {user = "carol", password = "for-emergencies", away = mock.fail("dead"), kind = "accept"},
  {user = "carol", password = "for-emergencies", away = mock.fail("timeout"), kind = "accept"},
  {user = "carol", password = "wrong", away = mock.fail("dead"), kind = "reject"},
}, function(row)
  mock.pool("partner.example", row.away)
  local r = send{user = row.user .. "@partner.example", password = row.password}
  test.equal(r.verdict, row.kind)
  if row.kind == "accept" then
    expect(r):has("Session-Timeout", 1800):has("Tunnel-Private-Group-Id", "200")
  end
end)

test.case("the federation is away: the access point asks its second server", function()
  mock.pool("federation", mock.fail("dead"))
  expect(send{user = "dora@campus.example", password = "x"}):drop():proxied{result = "dead"}
end)

test.case("accounting goes the same way", function()
  local home = mock.pool("partner.example", accept{})
  expect(send{user = "bob@partner.example", status = "Start", ["Acct-Session-Id"] = "1"}):response():proxied()
  test.equal(home:calls()[1]["Operator-Name"], "1our.example")
end)
