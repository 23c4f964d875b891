-- rewrite: functions that the users file calls by name, or whose results it takes as values.
-- Converted from values.rw, lines 1 to 56.

local gnu = require("lib.gnu")
local nas = require("lib.nas")

rewrite("f_prec", function(req)
  return (2 + 3 * 4 % 5) .. "|" .. bit32.bor(bit32.lshift(1, 3), 1) .. "|"
      .. bit32.bxor(bit32.band(7, 3), 1) .. "|" .. -3 .. "|" .. (8 + 0x10)
end)

rewrite("f_bool", function(req)
  return (true and false and "1" or "0") .. ((true or false) and "1" or "0")
      .. (false and "1" or "0") .. ("a" == "a" and "1" or "0") .. ("a" < "b" and "1" or "0")
      .. (3 ~= 3 and "1" or "0")
end)

rewrite("f_cast", function(req)
  local i = 12 + 1
  return tostring(i)
end)

rewrite("f_len", function(req)
  return tostring(#("string"))
end)

rewrite("f_index", function(req)
  return ((("/raddb/users"):find("/", 1, true) or 0) - 1) .. ((("abc"):find("z", 1, true) or 0) - 1)
      .. gnu.rindex("/raddb/users", "/")
end)

rewrite("f_substr", function(req)
  return ("foo-bar-baz"):sub(4, 8) .. "|" .. ("foobar"):sub(4) .. "|" .. ("foo"):sub(10, 11)
end)

rewrite("f_field", function(req)
  return gnu.field("GNU's not UNIX", 2) .. "|" .. gnu.field("GNU's not UNIX", 9) .. "|"
      .. ((" one two"):match("%S+") or "")
end)

rewrite("f_gsub", function(req)
  return (("strings"):gsub("s", "S")) .. "|" .. (("strings"):gsub("s", "S", 1)) .. "|"
      .. (("28 or 29"):gsub("[0-9][0-9]*", "N"))
end)

rewrite("f_case", function(req)
  return ("a-Str"):upper() .. ("A-STR"):lower() .. gnu.qprn("a string/value")
end)

rewrite("f_inet", function(req)
  return net.aton("127.0.0.1") .. "|" .. net.ntoa(2130706433) .. "|" .. (net.aton("10.0.0.1") + 5)
end)

rewrite("f_attr", function(req)
  req:set("Filter-Id", "one", 1)
  gnu.set(req, "Class", "changed", 2)
  return (req["Filter-Id"] or "") .. "|" .. (req["Class"] or "") .. "|"
      .. (req:get("Class", 2) or "") .. "|" .. (req:get("Class", 3) ~= nil and "1" or "0") .. "|"
      .. (req:has("State") and "1" or "0") .. "|" .. (req["State"] or "") .. "|"
      .. (req:int("Session-Timeout") or 0)
end)

rewrite("f_del", function(req)
  req:del("Class", 1)
  return (req["Class"] or "") .. "|" .. (req:get("Class", 2) ~= nil and "1" or "0")
end)

rewrite("f_req", function(req)
  return gnu.code(req.code) .. "|" .. req.src .. "|" .. "Accounting-Request" .. "|" .. req.id .. "|"
      .. req.src_port
end)

rewrite("f_mixed", function(req, s, n)
  return (gnu.toint(s) + n) .. (gnu.toint(s) == n and "1" or "0") .. (n > 7 and "1" or "0")
end)

rewrite("f_hash", function(req, s)
  local h = 5381
  local i = 0
  while i < #s do
    h = gnu.wrap(h * 33 + ((("abcdefghijklmnopqrstuvwxyz"):find(string.char(97 + #s:sub(i + 1)), 1, true) or 0) - 1))
    i = i + 1
  end
  return h
end)

rewrite("f_big", function(req, a, b)
  return gnu.mul(a, b)
end)

rewrite("f_div", function(req, a, b)
  return gnu.div(a, b) * 100 + gnu.mod(a, b)
end)

rewrite("f_quote", function(req)
  return gnu.quote("tab\there \"q\"") .. gnu.unquote("Fran\\347ois\\n")
end)

rewrite("f_escape", function(req)
  return "\007\027AB.\\(\"\\"
end)

rewrite("f_nls", function(req, n)
  return "a" .. "b" .. "c" .. (n == 1 and "one" or "many")
end)

rewrite("f_net", function(req)
  log.info("hello " .. req.user)
  return gnu.htonl(1) + gnu.htons(1)
end)

rewrite("f_nas", function(req)
  return nas.name(req.src) .. nas.short_name(req["NAS-IP-Address"] or "0.0.0.0")
      .. nas.full_name("10.0.0.1")
end)

rewrite("f_host", function(req, name)
  return net.ntoa(gnu.lookup(name)) .. (net.reverse(req["NAS-IP-Address"] or "0.0.0.0") or "")
end)

rewrite("f_time", function(req)
  return time.format(os.time(), "%Y")
end)

rewrite("f_kinds", function(req)
  if req["Service-Type"] == "Framed-User" or req["Framed-Protocol"] ~= "PPP" then
    req["Service-Type"] = "Framed-User"
  end
  if req["NAS-IP-Address"] == "192.168.0.1" then
    req["Framed-IP-Address"] = net.ntoa((net.aton("10.0.0.0") + (req:int("NAS-Port") or 0)) % 2^32)
  end
  req["NAS-Port"] = 4294967295
  if req["Called-Station-Id"] == "555" and (req["Calling-Station-Id"] or "") ~= "" then
    req["Framed-IP-Address"] = req["NAS-IP-Address"] or "0.0.0.0"
  end
  if req.code == "Accounting-Request" then
    return req.user == "" and 1 or 0
  end
  return 1
end)
