local of_user, changed, told = "SELECT password", "SELECT subscriber.name", "UPDATE subscriber SET told"
local gold = {name = "ann", password = "hello", tier = "gold", down = 100000000, up = 20000000}

local function start()
  send{user = "ann", status = "Start", ["Acct-Session-Id"] = "s1", ["NAS-IP-Address"] = "127.0.0.1"}
end

test.case("a login has the tier, and the database hears of it", function()
  local m = mock.sql("billing"){[of_user] = gold, [told] = 1}
  expect(send{user = "ann", password = "hello"}):accept():has("WISPr-Bandwidth-Max-Down", 100000000):has("WISPr-Bandwidth-Max-Up", 20000000)
  test.equal(m:calls()[2], {query = "UPDATE subscriber SET told = $1 WHERE name = $2", "gold", "ann"})
end)

test.case("a wrong password changes nothing", function()
  mock.sql("billing"){[of_user] = gold}
  expect(send{user = "ann", password = "no"}):reject()
  mock.sql("billing"){[of_user] = {}}
  expect(send{user = "carl", password = "hello"}):reject()
end)

test.case("a new tier goes to the NAS", function()
  start()
  local m, nas = mock.sql("billing"){[changed] = gold, [told] = 1}, mock.coa(accept{})
  clock.advance("10s")
  test.equal(#nas:calls(), 1)
  test.equal(nas:calls()[1]["WISPr-Bandwidth-Max-Down"], 100000000)
  test.equal(m:calls()[2][1], "gold")
end)

test.each("what the NAS does not take is tried again", {reject{error_cause = "Unsupported-Attribute"}, drop{}}, function(answer)
  start()
  local m = mock.sql("billing"){[changed] = gold}
  mock.coa(answer)
  clock.advance("10s")
  test.equal(#m:calls(), 1)
end)

test.case("who is not online has it at the next login", function()
  local m = mock.sql("billing"){[changed] = gold, [told] = 1}
  clock.advance("10s")
  test.equal(#m:calls(), 2)
end)

test.case("the database is away", function()
  mock.sql("billing"){SELECT = mock.fail("refused")}
  expect(send{user = "ann", password = "hello"}):drop()
end)
