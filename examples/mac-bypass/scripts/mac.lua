-- Devices that cannot log in: the switch sends their MAC as name and password. It is no secret, so it opens a VLAN of
-- devices and nothing else.

local devices = {}
for address, device in pairs(json.decode(readfile("devices.json"))) do
  devices[assert(net.mac(address)):format("aa:bb:cc:dd:ee:ff")] = device
end

on("authorize", {name = "mac-bypass", when = {["Service-Type"] = "Call-Check"}}, function(req)
  local name, calling = net.mac(req.user), net.mac(req["Calling-Station-Id"] or "")
  if not name or not calling then
    return reject{reason = "no-mac"}
  end
  local mac = calling:format("aa:bb:cc:dd:ee:ff")
  if name:format("aa:bb:cc:dd:ee:ff") ~= mac then
    return reject{reason = "two-macs"}
  end
  local device = devices[mac]
  if not device then
    req:note("mac", mac)
    return reject{reason = "unknown-device"}
  end
  req:note("device", device.name)
  return accept{vlan = device.vlan, reason = "known-device"}
end)
