-- Tests of rewrite.lua.

test.users [[
$DIALECT freeradius
DEFAULT Auth-Type := Accept, Rewrite-Function := "port_from_name"
     Session-Timeout = "=until_full_hour(req)",
     Fall-Through = Yes

DEFAULT NAS-Port == 204
     Reply-Message = "slot 3, port 12"
]]

test.case("slot and port become one number", function()
  expect(send{user = "ann", password = "x", ["NAS-Port-Id"] = "Async3/12"}):accept():message("slot 3, port 12")
end)

test.case("a name without numbers is left alone", function()
  expect(send{user = "ann", password = "x", ["NAS-Port-Id"] = "lo0"}):accept():lacks("Reply-Message")
end)

test.case("sessions end at the full hour", function()
  expect(send{user = "ann", password = "x"}):has("Session-Timeout", 3600)
  clock.advance("45m")
  expect(send{user = "ann", password = "x"}):has("Session-Timeout", 900)
end)
