local ann = {dn = "uid=ann,ou=people,dc=example,dc=net", attrs = {cn = "Ann"}}
local person, groups = "(&(objectClass=person)", "(&(objectClass=groupOfNames)"

local function group(name)
  return {dn = "cn=" .. name .. ",ou=groups,dc=example,dc=net", attrs = {cn = {name}}}
end

test.each("the first role counts", {
  {groups = {group("staff")}, vlan = "20", service = "NAS-Prompt-User"},
  {groups = {group("staff"), group("admins")}, vlan = "10", service = "Administrative-User"},
}, function(c)
  mock.ldap("staff"){[person] = ann, [groups] = c.groups, bind = true}
  expect(send{user = "ann", password = "hello"}):accept():has("Tunnel-Private-Group-Id", c.vlan):has("Service-Type", c.service)
end)

test.case("who is in no group stays outside", function()
  mock.ldap("staff"){[person] = ann, [groups] = {group("choir")}, bind = true}
  expect(send{user = "ann", password = "hello"}):reject():message("not for you")
end)

test.case("a wrong password is no question for groups", function()
  local m = mock.ldap("staff"){[person] = ann, bind = function(c) return c.password == "hello" end}
  expect(send{user = "ann", password = "no"}):reject()
  test.equal(m:calls()[2].dn, ann.dn)
  expect(send{user = "ann", password = ""}):reject()
  test.equal(#m:calls(), 2) -- about an empty password nobody is asked
end)

test.case("a name is a name, whatever is in it", function()
  local m = mock.ldap("staff"){[person] = {}}
  expect(send{user = "*)(uid=*", password = "x"}):reject()
  test.equal(m:calls()[1].filter, [[(&(objectClass=person)(uid=\2a\29\28uid=\2a))]])
end)

test.case("two of a name are nobody", function()
  mock.ldap("staff"){[person] = {ann, ann}}
  expect(send{user = "ann", password = "hello"}):reject()
end)

test.case("the users file knows others", function()
  mock.ldap("staff"){[person] = {}}
  expect(send{user = "root", password = "hello"}):accept():has("Class", "local")
end)

test.each("a directory that fails lets nobody in, and the NAS asks elsewhere", {mock.fail("timeout"), mock.fail("refused")}, function(failure)
  mock.ldap("staff"){[person] = failure}
  expect(send{user = "ann", password = "hello"}):drop()
  mock.ldap("staff"){[person] = ann, bind = failure}
  expect(send{user = "ann", password = "hello"}):drop()
end)
