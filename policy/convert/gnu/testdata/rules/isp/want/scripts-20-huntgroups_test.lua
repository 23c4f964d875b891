-- Tests of 20-huntgroups.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The entries answer with the groups that a request is in.
test.users [[
$DIALECT gnu
DEFAULT Huntgroup-Name = "hall"
        Reply-Message = "hall", Fall-Through = Yes
DEFAULT Huntgroup-Name = "room"
        Reply-Message = "room", Fall-Through = Yes
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

test.case("huntgroups:2: hall", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.10", ["NAS-Port-Type"] = "Async"}, {"hall"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.11", ["NAS-Port-Type"] = "Async"}, {})
end)

test.case("huntgroups:6: room", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.20", ["NAS-Port"] = 12}, {"room"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.21", ["NAS-Port"] = 12}, {"room"})
  isRefused({user = "somebody", ["NAS-IP-Address"] = "192.0.2.20", ["NAS-Port"] = 0})
end)

test.case("huntgroups:9: room", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.21"}, {"room"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "192.0.2.22"}, {})
end)
