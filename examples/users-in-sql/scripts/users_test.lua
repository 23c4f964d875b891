-- A query is known by how it begins: both of a handler's tables are in the answer.
local checks, replies = "SELECT attribute, op, value, 0 AS priority, id FROM radcheck", "SELECT attribute, op, value, 0 AS priority, id FROM radreply"

local function row(attribute, op, value)
  return {attribute = attribute, op = op, value = value}
end

local password = row("Cleartext-Password", ":=", "hello")

test.case("the first row for an attribute counts, unless it adds", function()
  local m = mock.sql("users"){
    [checks] = {password},
    [replies] = {row("Session-Timeout", "=", "86400"), row("Session-Timeout", "=", "3600"), row("Class", "+=", "a"), row("Class", "+=", "b")},
  }
  local r = send{user = "ann", password = "hello"}
  expect(r):accept():has("Session-Timeout", 86400)
  test.equal(r:all("Class"), {"a", "b"})
  test.equal(m:calls()[1][1], "ann")
end)

test.case("a wrong password", function()
  local m = mock.sql("users"){[checks] = {password}}
  expect(send{user = "ann", password = "no"}):reject()
  test.equal(#m:calls(), 1)
end)

test.case("a group may be closed", function()
  mock.sql("users"){[checks] = {password, row("Auth-Type", "=", "Reject")}}
  expect(send{user = "eve", password = "hello"}):reject()
end)

test.case("whom the database does not know, the users file knows", function()
  mock.sql("users"){SELECT = {}}
  expect(send{user = "root", password = "hello"}):accept():has("Class", "local")
  expect(send{user = "nobody", password = "hello"}):reject()
end)

test.case("an op that is none is no login", function()
  mock.sql("users"){[checks] = {row("Cleartext-Password", "==", "hello")}}
  expect(send{user = "ann", password = "hello"}):reject()
end)

test.each("a database that fails lets nobody in, and the NAS asks elsewhere", {
  mock.fail("timeout"), mock.fail("refused"), mock.fail("busy"),
}, function(failure)
  mock.sql("users"){SELECT = failure}
  expect(send{user = "ann", password = "hello"}):drop()
end)
