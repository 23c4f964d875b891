local function device(user, calling)
  return send{client = "switch-1", user = user, password = user, ["Calling-Station-Id"] = calling, ["Service-Type"] = "Call-Check"}
end

test.each("all ways to write a MAC", {"3c2af4112233", "3C-2A-F4-11-22-33", "3c2a.f411.2233"}, function(user)
  expect(device(user, "3C-2A-F4-11-22-33")):accept():has("Tunnel-Private-Group-Id", "30"):hook("mac-bypass")
end)

test.case("others stay out", function()
  expect(device("3c2af4112234", "3C-2A-F4-11-22-34")):reject("unknown-device")
  expect(device("3c2af4112233", "3C-2A-F4-11-22-34")):reject("two-macs")
  expect(device("ann", "3C-2A-F4-11-22-33")):reject("no-mac")
  expect(device("3c2af4112233")):reject("no-mac")
end)

test.case("a MAC opens nothing for people, nor people for a MAC", function()
  expect(send{client = "switch-1", user = "3c2af4112233", password = "3c2af4112233"}):reject("unknown-user")
  expect(send{client = "switch-1", user = "ann", password = "hello"}):accept()
end)
