-- Tests of 20-huntgroups.lua, made from the old rules: for each a request that fits it and one that just does not.

-- The entries answer with the groups that a request is in.
test.users [[
$DIALECT gnu
DEFAULT Huntgroup-Name = "eq"
        Reply-Message = "eq", Fall-Through = Yes
DEFAULT Huntgroup-Name = "ne"
        Reply-Message = "ne", Fall-Through = Yes
DEFAULT Huntgroup-Name = "lt"
        Reply-Message = "lt", Fall-Through = Yes
DEFAULT Huntgroup-Name = "le"
        Reply-Message = "le", Fall-Through = Yes
DEFAULT Huntgroup-Name = "gt"
        Reply-Message = "gt", Fall-Through = Yes
DEFAULT Huntgroup-Name = "ge"
        Reply-Message = "ge", Fall-Through = Yes
DEFAULT Huntgroup-Name = "ge0"
        Reply-Message = "ge0", Fall-Through = Yes
DEFAULT Huntgroup-Name = "in"
        Reply-Message = "in", Fall-Through = Yes
DEFAULT Huntgroup-Name = "out"
        Reply-Message = "out", Fall-Through = Yes
DEFAULT Huntgroup-Name = "name"
        Reply-Message = "name", Fall-Through = Yes
DEFAULT Huntgroup-Name = "notname"
        Reply-Message = "notname", Fall-Through = Yes
DEFAULT Huntgroup-Name = "nameless"
        Reply-Message = "nameless", Fall-Through = Yes
DEFAULT Huntgroup-Name = "above"
        Reply-Message = "above", Fall-Through = Yes
DEFAULT Huntgroup-Name = "teq"
        Reply-Message = "teq", Fall-Through = Yes
DEFAULT Huntgroup-Name = "tne"
        Reply-Message = "tne", Fall-Through = Yes
DEFAULT Huntgroup-Name = "tlt"
        Reply-Message = "tlt", Fall-Through = Yes
DEFAULT Huntgroup-Name = "tle"
        Reply-Message = "tle", Fall-Through = Yes
DEFAULT Huntgroup-Name = "tgt"
        Reply-Message = "tgt", Fall-Through = Yes
DEFAULT Huntgroup-Name = "tge"
        Reply-Message = "tge", Fall-Through = Yes
DEFAULT Huntgroup-Name = "aeq"
        Reply-Message = "aeq", Fall-Through = Yes
DEFAULT Huntgroup-Name = "ane"
        Reply-Message = "ane", Fall-Through = Yes
DEFAULT Huntgroup-Name = "alt"
        Reply-Message = "alt", Fall-Through = Yes
DEFAULT Huntgroup-Name = "age"
        Reply-Message = "age", Fall-Through = Yes
DEFAULT Huntgroup-Name = "pre"
        Reply-Message = "pre", Fall-Through = Yes
DEFAULT Huntgroup-Name = "user"
        Reply-Message = "user", Fall-Through = Yes
DEFAULT Huntgroup-Name = "both"
        Reply-Message = "both", Fall-Through = Yes
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

test.case("huntgroups:1: eq", function()
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 11}, {"ne", "gt", "ge", "ge0", "out", "user"})
end)

test.case("huntgroups:2: ne", function()
  isIn({user = "somebody", ["NAS-Port"] = 11}, {"ne", "gt", "ge", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
end)

test.case("huntgroups:3: lt", function()
  isIn({user = "somebody", ["NAS-Port"] = 9}, {"ne", "lt", "le", "ge0", "in", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
end)

test.case("huntgroups:4: le", function()
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 11}, {"ne", "gt", "ge", "ge0", "out", "user"})
end)

test.case("huntgroups:5: gt", function()
  isIn({user = "somebody", ["NAS-Port"] = 11}, {"ne", "gt", "ge", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
end)

test.case("huntgroups:6: ge", function()
  isIn({user = "somebody", ["NAS-Port"] = 10}, {"eq", "le", "ge", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 9}, {"ne", "lt", "le", "ge0", "in", "user"})
end)

test.case("huntgroups:7: ge0", function()
  isIn({user = "somebody", ["NAS-Port"] = 0}, {"ne", "lt", "le", "ge0", "out", "user"})
  isIn({user = "somebody"}, {"user"})
end)

test.case("huntgroups:8: in", function()
  isIn({user = "somebody", ["NAS-Port"] = 9}, {"ne", "lt", "le", "ge0", "in", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 0}, {"ne", "lt", "le", "ge0", "out", "user"})
end)

test.case("huntgroups:9: out", function()
  isIn({user = "somebody", ["NAS-Port"] = 0}, {"ne", "lt", "le", "ge0", "out", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 9}, {"ne", "lt", "le", "ge0", "in", "user"})
end)

test.case("huntgroups:10: name", function()
  isIn({user = "somebody", ["Service-Type"] = "Framed-User"}, {"name", "user"})
  isIn({user = "somebody", ["Service-Type"] = "Callback-Login-User"}, {"notname", "above", "user"})
end)

test.case("huntgroups:11: notname", function()
  isIn({user = "somebody", ["Service-Type"] = "Callback-Login-User"}, {"notname", "above", "user"})
  isIn({user = "somebody", ["Service-Type"] = "Framed-User"}, {"name", "user"})
end)

test.case("huntgroups:12: nameless", function()
  isIn({user = "somebody", ["Service-Type"] = 77}, {"notname", "nameless", "above", "user"})
  isIn({user = "somebody", ["Service-Type"] = 78}, {"notname", "above", "user"})
end)

test.case("huntgroups:13: above", function()
  isIn({user = "somebody", ["Service-Type"] = "Callback-Login-User"}, {"notname", "above", "user"})
  isIn({user = "somebody", ["Service-Type"] = "Framed-User"}, {"name", "user"})
end)

test.case("huntgroups:14: teq", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "bbbx"}, {"tne", "tgt", "tge", "user"})
end)

test.case("huntgroups:15: tne", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "bbbx"}, {"tne", "tgt", "tge", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
end)

test.case("huntgroups:16: tlt", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "0"}, {"tne", "tlt", "tle", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
end)

test.case("huntgroups:17: tle", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "bbbx"}, {"tne", "tgt", "tge", "user"})
end)

test.case("huntgroups:18: tgt", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "bbbx"}, {"tne", "tgt", "tge", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
end)

test.case("huntgroups:19: tge", function()
  isIn({user = "somebody", ["Called-Station-Id"] = "bbb"}, {"teq", "tle", "tge", "user"})
  isIn({user = "somebody", ["Called-Station-Id"] = "0"}, {"tne", "tlt", "tle", "user"})
end)

test.case("huntgroups:20: aeq", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.5"}, {"aeq", "age", "user"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.6"}, {"ane", "age", "user"})
end)

test.case("huntgroups:21: ane", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.6"}, {"ane", "age", "user"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.5"}, {"aeq", "age", "user"})
end)

test.case("huntgroups:22: alt", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.4"}, {"ane", "alt", "user"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.5"}, {"aeq", "age", "user"})
end)

test.case("huntgroups:23: age", function()
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.5"}, {"aeq", "age", "user"})
  isIn({user = "somebody", ["NAS-IP-Address"] = "200.0.0.4"}, {"ane", "alt", "user"})
end)

test.case("huntgroups:24: pre", function()
  isIn({user = "Psomebody"}, {"pre"})
  isIn({user = "xPsomebody"}, {"user"})
end)

test.case("huntgroups:25: user", function()
  isIn({user = "m"}, {"user"})
  isIn({user = "0"}, {})
end)

test.case("huntgroups:26: both", function()
  isIn({user = "somebody", ["NAS-Port"] = 11, ["Called-Station-Id"] = "bbb"}, {"ne", "gt", "ge", "ge0", "out", "teq", "tle", "tge", "user", "both"})
  isIn({user = "somebody", ["NAS-Port"] = 10, ["Called-Station-Id"] = "bbb"}, {"eq", "le", "ge", "ge0", "out", "teq", "tle", "tge", "user"})
  isIn({user = "somebody", ["NAS-Port"] = 11, ["Called-Station-Id"] = "bbbx"}, {"ne", "gt", "ge", "ge0", "out", "tne", "tgt", "tge", "user"})
end)
