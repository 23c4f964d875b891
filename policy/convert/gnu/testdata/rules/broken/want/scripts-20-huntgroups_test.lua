-- Tests of 20-huntgroups.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The entries answer with the groups that a request is in.
test.users [[
$DIALECT gnu
DEFAULT Huntgroup-Name = "one"
        Reply-Message = "one", Fall-Through = Yes
DEFAULT Auth-Type = Accept
        NULL
]]

local function isIn(request, groups)
  request.password = "x"
  local r = expect(send(request)):accept()
  if groups[1] then
    r:has("Reply-Message", groups)
  else
    r:lacks("Reply-Message")
  end
end

local function isRefused(request)
  request.password = "x"
  expect(send(request)):reject("huntgroup")
end

test.case("huntgroups:1: one", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "0.0.0.0"}, {})
  isIn({user = "somebody", ["NAS-IP-Address"] = "0.0.0.1"}, {})
end)
