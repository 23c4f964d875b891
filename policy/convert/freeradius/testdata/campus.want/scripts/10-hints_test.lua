-- A request for each hint, and one that just does not fit. The entry shows what the hints have left.

test.users[[
DEFAULT Auth-Type := Accept
	Reply-Message += "User-Name=%{User-Name}",
	Reply-Message += "Stripped-User-Name=%{Stripped-User-Name}",
	Reply-Message += "Hint=%{Hint}",
	Reply-Message += "Service-Type=%{Service-Type}"
]]

test.case("mods-config/preprocess/hints:1 DEFAULT", function()
  expect(send{user = "bob.ppp", password = "x"}):accept():has("Reply-Message", "Hint=PPP")
  test.equal(send{user = "bob", password = "x"}:is("Reply-Message", "Hint=PPP"), false)
end)
