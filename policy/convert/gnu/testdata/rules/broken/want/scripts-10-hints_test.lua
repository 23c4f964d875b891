-- Tests of 10-hints.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The one entry answers with what has become of the request.
test.users [[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user",
        Reply-Message = "=req['Service-Type'] and 'Service-Type ' .. table.concat(req:all('Service-Type'), ' ')",
        Reply-Message = "=req['Hint'] and 'Hint ' .. table.concat(req:all('Hint'), ' ')"
]]

local function becomes(request, want)
  request.password = "x"
  expect(send(request)):accept():has("Reply-Message", want)
end

test.case("hints:3: DEFAULT", function()
  becomes({user = "somebody"}, {"somebody", "Hint y"})
end)
