-- Tests of 20-huntgroups.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The entries answer with the groups that a request is in.
test.users [[
$DIALECT gnu
DEFAULT Huntgroup-Name = "one"
        Reply-Message = "one", Fall-Through = Yes
DEFAULT Huntgroup-Name = "never"
        Reply-Message = "never", Fall-Through = Yes
DEFAULT Huntgroup-Name = "two"
        Reply-Message = "two", Fall-Through = Yes
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

test.case("huntgroups:2: one", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "10.0.0.1"}, {"one"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "10.0.0.2"}, {})
end)

test.case("huntgroups:4: never", function()
  isIn({user = "nobody", ["NAS-IP-Address"] = "10.0.0.1"}, {"one", "never"})
  isIn({user = "nobody", ["NAS-IP-Address"] = "10.0.0.2"}, {})
  isIn({user = "nobodyx", ["NAS-IP-Address"] = "10.0.0.1"}, {"one"})
end)

test.case("huntgroups:6: two", function()
  isIn({user = "ann", ["NAS-IP-Address"] = "10.0.0.2", ["NAS-Port"] = 4}, {"two"})
  isIn({user = "ann", ["NAS-IP-Address"] = "10.0.0.3", ["NAS-Port"] = 4}, {"two"})
  isRefused({user = "annx", ["NAS-IP-Address"] = "10.0.0.2", ["NAS-Port"] = 4})
end)

test.case("huntgroups:8: two", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "10.0.0.3"}, {"two"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "10.0.0.4"}, {})
end)
