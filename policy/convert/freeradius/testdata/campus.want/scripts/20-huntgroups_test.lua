-- A request for each huntgroup, and one that just does not fit.

test.users[[
DEFAULT Huntgroup-Name == "wlan", Auth-Type := Accept
	Reply-Message = "wlan"
DEFAULT Huntgroup-Name == "console", Auth-Type := Accept
	Reply-Message = "console"
DEFAULT Auth-Type := Accept
]]

test.case("mods-config/preprocess/huntgroups:1 wlan", function()
  expect(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.5"}):accept():has("Reply-Message", "wlan")
  test.equal(send{user = "bob", password = "x"}:is("Reply-Message", "wlan"), false)
end)

test.case("mods-config/preprocess/huntgroups:2 wlan", function()
  expect(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.6", ["NAS-Port-Type"] = "Wireless-802.11"}):accept():has("Reply-Message", "wlan")
  test.equal(send{user = "bob", password = "x", ["NAS-IP-Address"] = "192.0.2.6"}:is("Reply-Message", "wlan"), false)
end)

test.case("mods-config/preprocess/huntgroups:3 console", function()
  expect(send{user = "ann", password = "x", ["NAS-Identifier"] = "con*"}):accept():has("Reply-Message", "console")
  test.equal(send{user = "ann", password = "x"}:is("Reply-Message", "console"), false)
  expect(send{user = "bob", password = "x", ["NAS-Identifier"] = "con*"}):reject()
end)
