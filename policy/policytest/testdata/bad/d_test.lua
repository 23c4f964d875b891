test.clients [[
127.0.0.1 "a secret for the test" test
]]
test.setup(function() if os.date("%H") ~= "12" then error("the clock was not put back") end end)
test.case("the setup is fine", function() clock.advance("1h") end)
test.each("row", {{n=1}, {n=2}, {n=3}}, function(row) test.equal(row.n % 2, 1) end)
test.case("in a function below", function()
  local function inner(r) expect(r):discard() end
  inner(send{user="nobody", password="x", ["NAS-Port"]=7})
end)
test.case("nothing was raised", function() test.raises(function() end, "text") end)
test.case("another text", function() test.raises(function() error("one") end, "two") end)
test.case("a table as error", function() error({}) end)
test.case("the last request is shown", function()
  send{user="first", password="x"}
  send{user="second", password="top-secret-4711", ["NAS-Port"]=8}
  error("after two")
end)
test.case("accounting", function() expect(send{status="Stop", user="ann", ["Acct-Session-Id"]="9"}):accept() end)
test.case("catching the end of steps", function() pcall(function() while true do end end) end)
