local function try(user, password, station)
  return send{user = user, password = password, ["Calling-Station-Id"] = station}
end

local function fail(n, user, station)
  for _ = 1, n do
    expect(try(user, "wrong", station)):reject()
  end
end

test.case("five wrong passwords lock out", function()
  fail(5, "ann", "here")
  expect(try("ann", "hello", "here")):reject("locked")
  expect(try("ANN", "hello", "here")):reject("locked")
end)

test.case("at that station alone, and nobody else", function()
  fail(5, "ann", "here")
  expect(try("ann", "hello", "there")):accept()
  expect(try("bob", "hello", "here")):accept()
end)

test.case("ten minutes after the first", function()
  fail(4, "ann", "here")
  clock.advance("9m")
  fail(1, "ann", "here")
  expect(try("ann", "hello", "here")):reject("locked")
  clock.advance("1m")
  expect(try("ann", "hello", "here")):accept()
end)

test.case("the right password forgives", function()
  fail(4, "ann", "here")
  expect(try("ann", "hello", "here")):accept()
  fail(4, "ann", "here")
  expect(try("ann", "hello", "here")):accept()
end)

test.case("twenty names lock the station out", function()
  for i = 1, 20 do
    fail(1, "guess" .. i, "here")
  end
  expect(try("ann", "hello", "here")):reject("locked")
  expect(try("ann", "hello", "there")):accept()
  clock.advance("10m")
  expect(try("ann", "hello", "here")):accept()
end)
