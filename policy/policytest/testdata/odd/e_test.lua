test.setup(function() mock.http("https://api.example"){["GET /asks"]={status=200, body="hello"}} end)
test.case("of the setup", function() expect(send{user="asks"}):message("hello") end)
test.case("of the setup, not asked", function() expect(send{user="x"}):accept() end)
test.case("demands nothing", function() send{user="x"} end)
