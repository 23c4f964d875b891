-- Tests of 10-hints.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The one entry answers with what has become of the request.
test.users [[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user",
        Reply-Message = "=req['Service-Type'] and 'Service-Type ' .. table.concat(req:all('Service-Type'), ' ')",
        Reply-Message = "=req['Hint'] and 'Hint ' .. table.concat(req:all('Hint'), ' ')",
        Reply-Message = "=req['Keep-First'] and 'Keep-First ' .. table.concat(req:all('Keep-First'), ' ')",
        Reply-Message = "=req['Keep-Last'] and 'Keep-Last ' .. table.concat(req:all('Keep-Last'), ' ')",
        Reply-Message = "=req['Keep-All'] and 'Keep-All ' .. table.concat(req:all('Keep-All'), ' ')"
]]

local function becomes(request, want)
  request.password = "x"
  expect(send(request)):accept():has("Reply-Message", want)
end

test.case("hints:2: exact", function()
  becomes({user = "exact"}, {"exact", "Hint exact"})
  becomes({user = "somebody"}, {"somebody"})
end)

test.case("hints:4: DEFAULT12", function()
  becomes({user = "somebody", ["Called-Station-Id"] = "digits"}, {"somebody", "Hint digits"})
  becomes({user = "somebody", ["Called-Station-Id"] = "digitsx"}, {"somebody"})
end)

test.case("hints:6: DEFAULTER", function()
  becomes({user = "DEFAULTER"}, {"DEFAULTER", "Hint a user"})
  becomes({user = "somebody"}, {"somebody"})
end)

test.case("hints:8: DEFAULT", function()
  becomes({user = "Psomebody.ppp"}, {"somebody", "Hint both"})
  becomes({user = "xPsomebody.ppp"}, {"xPsomebody.ppp"})
end)

test.case("hints:10: DEFAULT", function()
  becomes({user = "Psomebody"}, {"somebody", "Hint prefix"})
  becomes({user = "xPsomebody"}, {"xPsomebody"})
end)

test.case("hints:12: DEFAULT", function()
  becomes({user = "somebody.k"}, {"somebody.k", "Hint kept"})
  becomes({user = "somebody.kx"}, {"somebody.kx"})
end)

test.case("hints:14: DEFAULT", function()
  becomes({user = "somebody.s"}, {"somebody", "Hint first"})
  becomes({user = "somebody.sx"}, {"somebody.sx"})
end)

test.case("hints:16: DEFAULT", function()
  becomes({user = "somebody", ["Called-Station-Id"] = "on"}, {"somebody", "Hint second"})
  becomes({user = "somebody", ["Called-Station-Id"] = "onx"}, {"somebody"})
end)

test.case("hints:18: DEFAULT", function()
  becomes({user = "somebody", ["Called-Station-Id"] = "replace"}, {"somebody-0"})
  becomes({user = "somebody", ["Called-Station-Id"] = "replacex"}, {"somebody"})
end)

test.case("hints:20: DEFAULT", function()
  becomes({user = "somebody", ["Called-Station-Id"] = "add"}, {"somebody", "Keep-First 1", "Keep-Last 2", "Keep-All 1 2"})
  becomes({user = "somebody", ["Called-Station-Id"] = "addx"}, {"somebody"})
end)

test.case("hints:22: DEFAULT", function()
  becomes({user = "somebody", ["Called-Station-Id"] = "add"}, {"somebody", "Keep-First 1", "Keep-Last 2", "Keep-All 1 2"})
  becomes({user = "somebody", ["Called-Station-Id"] = "addx"}, {"somebody"})
end)
