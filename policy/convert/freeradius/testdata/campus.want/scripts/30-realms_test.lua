-- A name for each realm, and one that just is not of it. The entry shows what is left of the name.

test.users[[
DEFAULT Auth-Type := Accept
	Reply-Message = "%{Realm} %{Stripped-User-Name}"
]]

test.case("our.example", function()
  expect(send{user = "bob@our.example", password = "x"}):accept():has("Reply-Message", "our.example bob")
  test.equal(send{user = "bob@our.example.invalid", password = "x"}:is("Reply-Message", "our.example bob"), false)
end)

test.case("Second.example", function()
  expect(send{user = "bob@Second.example", password = "x"}):accept():has("Reply-Message", "Second.example ")
  test.equal(send{user = "bob@Second.example.invalid", password = "x"}:is("Reply-Message", "Second.example "), false)
end)
