-- Tests of 10-hints.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The one entry answers with what has become of the request.
test.users [[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user",
        Reply-Message = "=req['Service-Type'] and 'Service-Type ' .. table.concat(req:all('Service-Type'), ' ')",
        Reply-Message = "=req['Hint'] and 'Hint ' .. table.concat(req:all('Hint'), ' ')",
        Reply-Message = "=req['Called-Station-Id'] and 'Called-Station-Id ' .. table.concat(req:all('Called-Station-Id'), ' ')",
        Reply-Message = "=req['Class'] and 'Class ' .. table.concat(req:all('Class'), ' ')",
        Reply-Message = "=req['Example-Gateway'] and 'Example-Gateway ' .. table.concat(req:all('Example-Gateway'), ' ')",
        Reply-Message = "=req['Framed-IP-Address'] and 'Framed-IP-Address ' .. table.concat(req:all('Framed-IP-Address'), ' ')"
]]

local function becomes(request, want)
  request.password = "x"
  expect(send(request)):accept():has("Reply-Message", want)
end

-- What a rule computes is not among what is wanted here.
local function becomesAtLeast(request, want)
  request.password = "x"
  local r = expect(send(request)):accept()
  for _, text in ipairs(want) do
    r:has("Reply-Message", text)
  end
end

-- What a Rewrite function does with the request, only its author knows: it runs without an error.
local function runs(request)
  request.password = "x"
  test.equal(send(request).reason ~= "hook-failed", true)
end

test.case("hints:2: DEFAULT", function()
  runs({user = "somebody", ["NAS-IP-Address"] = "192.0.2.1"})
  becomes({user = "somebody", ["NAS-IP-Address"] = "192.0.2.2"}, {"somebody", "Hint rest"})
end)

test.case("hints:6: DEFAULT", function()
  becomes({user = "c:somebody#"}, {"somebody", "Hint carrier", "Called-Station-Id 800"})
  becomes({user = "somebody"}, {"somebody", "Hint rest"})
end)

test.case("hints:9: bob", function()
  becomesAtLeast({user = "bob", ["Called-Station-Id"] = "5x"}, {"bob-5x-0", "Called-Station-Id 5x"})
  becomes({user = "bob", ["Called-Station-Id"] = "5"}, {"bob", "Hint rest", "Called-Station-Id 5"})
end)

-- hints:12 has no test: the name has characters that may be refused.

test.case("hints:14: DEFAULTS", function()
  becomes({user = "DEFAULTS"}, {"DEFAULTS", "Hint no default"})
  becomes({user = "somebody"}, {"somebody", "Hint rest"})
end)

test.case("hints:18: ann", function()
  becomes({user = "ann", ["Framed-Protocol"] = "SLIP", ["Called-Station-Id"] = "1"}, {"ann", "Service-Type Framed-User", "Called-Station-Id 1", "Class second third", "Example-Gateway 192.0.2.254"})
  becomes({user = "ann", ["Framed-Protocol"] = "PPP", ["Called-Station-Id"] = "1"}, {"ann", "Service-Type Framed-User", "Hint rest", "Called-Station-Id 1"})
end)

test.case("hints:26: ann", function()
  becomes({user = "ann", ["Class"] = "second"}, {"ann", "Class second third"})
  becomes({user = "ann", ["Class"] = "secondx"}, {"ann", "Hint rest", "Class secondx"})
end)

test.case("hints:29: no-name", function()
  becomesAtLeast({user = "no-name"}, {"no-name", "Hint rest"})
  becomes({user = "somebody"}, {"somebody", "Hint rest"})
end)

test.case("hints:31: DEFAULT", function()
  becomes({user = "somebody"}, {"somebody", "Hint rest"})
end)
