-- A name that passes, and one for each condition that refuses it.

test.users[[
DEFAULT Auth-Type := Accept
]]

test.case("a plain name", function()
  expect(send{user = "bob", password = "x"}):accept()
end)

test.each("refused", {"bob smith", "bob@example.org@example.org", "bob@example"}, function(name)
  expect(send{user = name, password = "x"}):reject("user-name")
end)
