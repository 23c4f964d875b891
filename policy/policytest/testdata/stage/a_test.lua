-- Whatever a case leaves behind, the next one begins as the first.
local seen = kv.open("seen", {ttl="10m"})

for i = 1, 3 do
  test.case("all is fresh " .. i, function()
    expect(send{user="a"}):message("1 1 1 1")
    expect(send{user="b"}):message("2 2 2 2")
    test.equal(seen:get("n"), 2)
  end)
end

local numbers = {}
for i = 1, 2 do
  test.case("chance is the same " .. i, function()
    local r = send{user="report"}
    numbers[i] = {r["Reply-Message"], math.random(1000)}
    test.equal(numbers[i], numbers[1])
  end)
end

test.case("the table forgets in time", function()
  expect(send{user="a"}):has("Reply-Message", "1 1 1 1")
  clock.advance("59s")
  expect(send{user="a"}):message("2 2 2 2")
  clock.advance("10m")
  expect(send{user="a"}):message("3 3 1 1")
end)

test.case("timers run when they become due", function()
  clock.advance("29s")
  test.equal(seen:get("often"), nil)
  clock.advance("1s")
  test.equal(seen:get("often"), 1)
  clock.advance("5m")
  test.equal({seen:get("often"), seen:get("seldom")}, {11})
  clock.advance("55m")
  test.equal(seen:get("seldom"), 1)
end)

test.case("the clock jumps, and an overdue timer runs once", function()
  clock.set("2024-01-02 12:00")
  test.equal({seen:get("often"), seen:get("seldom")}, {1, 1})
  clock.advance("30s")
  test.equal({seen:get("often"), seen:get("seldom")}, {2, 1})
  clock.set("2024-01-01 12:00")
  clock.advance("30s")
  test.equal({seen:get("often"), seen:get("seldom")}, {3, 1})
end)

test.case("too many timers", function()
  test.raises(function() clock.advance("30d") end, 'timers would run more than 1000 times, every("often") among them')
end)

test.case("fire", function()
  test.equal(seen:get("loaded"), nil)
  test.fire("load")
  test.fire("every", "often")
  test.equal({seen:get("loaded"), seen:get("often")}, {true, 1})
end)

test.case("a timer asks a mock", function()
  seen:set("ask", true, "1d")
  local m = mock.http("https://api.example"){["GET /sweep"]={status=200, body=""}}
  clock.advance("1h")
  test.equal(#m:calls(), 1)
end)

test.case("what no script opens", function()
  test.raises(function() mock.http("https://api.exmple"){} end, 'mock.http: no script opens http "https://api.exmple"; did you mean "https://api.example"?')
  test.raises(function() mock.sql("users"){} end, 'mock.sql: no script opens sql "users"')
  test.raises(function() mock.http("https://api.example"){[1]={}} end, "mock.http: the key 1 is no text")
  test.raises(function() mock.fail("timout") end, 'mock.fail: got "timout"; did you mean "timeout"?')
end)

test.case("values of the API", function()
  local m = mock.http("https://api.example"){}
  test.raises(function() m:cals() end, 'a value of kind mock has no "cals"; did you mean "calls"?')
  test.raises(function() m.calls() end, "m:calls() is written with a colon")
  test.raises(function() m.x = 1 end, "a value of kind mock cannot be changed")
  local r = send{user="a"}
  test.raises(function() expect(r):acept() end, 'a value of kind expectation has no "acept"; did you mean "accept"?')
  test.raises(function() expect(r):hook("coutn") end, 'there is no hook "coutn"; did you mean "count"?')
  test.raises(function() r.answer("x") end, "r:answer(text) is written with a colon")
  local library = test
  test.raises(function() library.x = 1 end, "test cannot be changed")
  test.equal(#m:calls(), 0)
end)

test.case("what only tests read is not there for handlers", function()
  require("lib.other")
  expect(send{user="late"}):reject("hook-failed")
end)
