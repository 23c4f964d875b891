-- A name for each realm, and one that just is not of it. The entry shows what is left of the name.

test.users[[
DEFAULT Auth-Type := Accept
	Reply-Message = "%{Realm} %{Stripped-User-Name}"
]]

test.case("village.example", function()
  expect(send{user = "bob@village.example", password = "x"}):accept():has("Reply-Message", "village.example bob")
  test.equal(send{user = "bob@village.example.invalid", password = "x"}:is("Reply-Message", "village.example bob"), false)
end)
