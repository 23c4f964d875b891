-- A guest types the code of a voucher as name, and as password again or nothing. Its hours begin with the first use, on
-- so many devices. What is used is kept over restarts; max is above the number of vouchers, so that none is forgotten.
local vouchers = json.decode(readfile("vouchers.json"))
local uses = kv.open("vouchers", {persist = true, max = 100000})

on("authorize", {name = "voucher", when = {client = "hotspot-*", method = "pap"}}, function(req)
  local code = req.user:upper()
  local voucher = vouchers[code]
  if not voucher or req.password ~= "" and req.password:upper() ~= code then
    return -- the users file knows who else there is
  end
  local device = req["Calling-Station-Id"] or "?"
  local use = uses:update(code, function(use)
    use = use or {first = req.now, devices = {}, count = 0}
    if not use.devices[device] and use.count < voucher.devices then
      use.devices[device], use.count = true, use.count + 1
    end
    return use
  end)
  local left = use.first + voucher.hours * 3600 - req.now
  if left < 1 then
    return reject{reason = "voucher-over", message = "This voucher is used up."}
  elseif not use.devices[device] then
    return reject{reason = "voucher-devices", message = "This voucher is in use on another device."}
  end
  return accept{["Session-Timeout"] = math.floor(left)}
end)
