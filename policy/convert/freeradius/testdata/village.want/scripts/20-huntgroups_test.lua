-- A request for each huntgroup, and one that just does not fit.

test.users[[
DEFAULT Huntgroup-Name == "north", Auth-Type := Accept
	Reply-Message = "north"
DEFAULT Huntgroup-Name == "south", Auth-Type := Accept
	Reply-Message = "south"
DEFAULT Huntgroup-Name == "staff", Auth-Type := Accept
	Reply-Message = "staff"
DEFAULT Auth-Type := Accept
]]

test.case("huntgroups:1 north", function()
  expect(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.1"}):accept():has("Reply-Message", "north")
  test.equal(send{user = "bob", password = "x"}:is("Reply-Message", "north"), false)
end)

test.case("huntgroups:2 north", function()
  expect(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.2"}):accept():has("Reply-Message", "north")
  test.equal(send{user = "bob", password = "x"}:is("Reply-Message", "north"), false)
end)

test.case("huntgroups:3 south", function()
  expect(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.3"}):accept():has("Reply-Message", "south")
  test.equal(send{user = "bob", password = "x"}:is("Reply-Message", "south"), false)
end)
