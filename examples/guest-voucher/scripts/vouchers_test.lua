local function login(code, device, password)
  return send{client = "hotspot-1", user = code, password = password or code, ["Calling-Station-Id"] = device or "phone"}
end

test.clients[[127.0.0.1 "testing123" hotspot-1]]

test.case("a day from the first use", function()
  clock.advance("100d") -- in a drawer
  expect(login("K7Q2-M9XD")):accept():has("Session-Timeout", 86400)
  clock.advance("20h")
  expect(login("k7q2-m9xd")):accept():has("Session-Timeout", 4 * 3600)
  clock.advance("4h")
  expect(login("K7Q2-M9XD")):reject("voucher-over"):message("This voucher is used up.")
  expect(login("P4WT-6HRA")):accept():has("Session-Timeout", 86400)
end)

test.case("one device", function()
  expect(login("K7Q2-M9XD", "phone")):accept()
  expect(login("K7Q2-M9XD", "laptop")):reject("voucher-devices")
  expect(login("K7Q2-M9XD", "phone")):accept()
end)

test.case("three devices", function()
  for _, device in ipairs{"a", "b", "c", "a"} do
    expect(login("TEAM-3J8F", device)):accept()
  end
  expect(login("TEAM-3J8F", "d")):reject("voucher-devices")
end)

test.case("what is no voucher", function()
  expect(login("AAAA-BBBB")):reject("unknown-user")
  expect(login("K7Q2-M9XD", "phone", "wrong")):reject("unknown-user")
  expect(login("desk", "pc", "hello")):accept():lacks("Session-Timeout")
end)
