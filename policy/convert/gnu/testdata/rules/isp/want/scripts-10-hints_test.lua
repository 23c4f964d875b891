-- Tests of 10-hints.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The one entry answers with what has become of the request.
test.users [[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user",
        Reply-Message = "=req['Service-Type'] and 'Service-Type ' .. table.concat(req:all('Service-Type'), ' ')",
        Reply-Message = "=req['Hint'] and 'Hint ' .. table.concat(req:all('Hint'), ' ')",
        Reply-Message = "=req['Framed-Protocol'] and 'Framed-Protocol ' .. table.concat(req:all('Framed-Protocol'), ' ')"
]]

local function becomes(request, want)
  request.password = "x"
  expect(send(request)):accept():has("Reply-Message", want)
end

test.case("hints:3: DEFAULT", function()
  becomes({user = "Psomebody"}, {"somebody", "Service-Type Framed-User", "Hint PPP", "Framed-Protocol PPP"})
  becomes({user = "xPsomebody"}, {"xPsomebody"})
end)

test.case("hints:8: DEFAULT", function()
  becomes({user = "somebody.slip"}, {"somebody", "Service-Type Framed-User", "Hint SLIP", "Framed-Protocol SLIP"})
  becomes({user = "somebody.slipx"}, {"somebody.slipx"})
end)

test.case("hints:14: DEFAULT", function()
  becomes({user = "somebody%mail"}, {"mail-", "Hint MAIL"})
  becomes({user = "somebody"}, {"somebody"})
end)
