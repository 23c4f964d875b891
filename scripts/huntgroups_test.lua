-- Tests of huntgroups.lua.

test.users [[
$DIALECT freeradius
DEFAULT Huntgroup-Name == "modems", Auth-Type := Accept
     Reply-Message = "modem"

DEFAULT Huntgroup-Name == "wireless", Auth-Type := Accept
     Reply-Message = "air"
]]

test.clients [[
192.0.2.1  "a secret for the test"  sw-1
192.0.2.2  "a secret for the test"  ap-1
]]

test.each("the port decides", {
  {port = 0, message = "modem"},
  {port = 31, message = "modem"},
  {port = 32},
  {},
}, function(row)
  local r = send{client = "ap-1", user = "ann", password = "x", ["NAS-Port"] = row.port}
  if row.message then
    expect(r):accept():message(row.message)
  else
    expect(r):reject()
  end
end)

test.case("the port type decides", function()
  expect(send{client = "ap-1", user = "ann", password = "x", ["NAS-Port-Type"] = "Wireless-802.11"}):accept():message("air")
end)

test.case("administration is for switches", function()
  local request = {user = "ann", password = "x", ["NAS-Port"] = 1, ["Service-Type"] = "Administrative-User"}
  request.client = "ap-1"
  expect(send(request)):reject("admin-client"):hook("admin-only-from-switches")
  request.client = "sw-1"
  expect(send(request)):accept()
end)
