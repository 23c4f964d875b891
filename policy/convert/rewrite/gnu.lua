-- What GNU Radius's Rewrite language does otherwise than Lua, for functions that came from it. Places in strings
-- are counted from 0 there; numbers have 32 bits.

local gnu = {}

---- wrap
-- n as 32 bits hold it. Both ways to read them are left alone: -1 and 4294967295 stay as they are.
function gnu.wrap(n)
  if n >= -2^31 and n < 2^32 then
    return n
  end
  return n % 2^32
end

---- mul: wrap
-- a * b in 32 bits: the product of large numbers has more digits than a number of Lua.
function gnu.mul(a, b)
  local product = a * b
  if product > -2^53 and product < 2^53 then
    return gnu.wrap(product)
  end
  local low, high = b % 2^16, math.floor(b / 2^16) % 2^16
  return (a % 2^32 * low + a % 2^16 * high * 2^16) % 2^32
end

---- div
-- a / b without the fraction: -7 / 2 is -3.
function gnu.div(a, b)
  if b == 0 then
    error("division by zero", 2)
  end
  local n = a / b
  return n < 0 and math.ceil(n) or math.floor(n)
end

---- mod
-- What a / b leaves over, with the sign of a.
function gnu.mod(a, b)
  if b == 0 then
    error("division by zero", 2)
  end
  return math.fmod(a, b)
end

---- toint: wrap
-- The number at the beginning of a text as C reads it: "7abc" is 7, "010" is 8, "0x1f" is 31, "x" is 0.
function gnu.toint(text)
  local sign, rest = text:match("^%s*([+-]?)(.*)$")
  local n
  if rest:find("^0[xX]%x") then
    n = tonumber(rest:match("^0[xX](%x+)"), 16)
  elseif rest:find("^0") then
    n = tonumber(rest:match("^0[0-7]*"), 8)
  else
    n = tonumber(rest:match("^%d+") or 0)
  end
  return gnu.wrap(sign == "-" and -n or n)
end

---- set
-- As req:set, but a place beyond the last value appends one.
function gnu.set(req, name, value, place)
  req:set(name, value, math.min(place, req:count(name) + 1))
end

---- rindex
-- The place of the last such character, -1 if there is none.
function gnu.rindex(text, char)
  for i = #text, 1, -1 do
    if text:sub(i, i) == char then
      return i - 1
    end
  end
  return -1
end

---- substr
-- length characters from a place on; -1 means the rest.
function gnu.substr(text, from, length)
  if from < 0 or from >= #text then
    return ""
  elseif length < 0 then
    return text:sub(from + 1)
  end
  return text:sub(from + 1, from + length)
end

---- field
-- The n-th word, from 1; "" if there are fewer.
function gnu.field(text, n)
  for word in text:gmatch("%S+") do
    n = n - 1
    if n == 0 then
      return word
    end
  end
  return ""
end

---- htonl
-- The four octets of n the other way round, as on most machines between host and network.
function gnu.htonl(n)
  return (bytes.unpack("<I4", bytes.pack(">I4", n % 2^32)))
end

---- htons
-- The two octets of n the other way round.
function gnu.htons(n)
  return (bytes.unpack("<I2", bytes.pack(">I2", n % 2^16)))
end

---- codes
-- The codes of packets.
gnu.codes = {
  ["Access-Request"] = 1, ["Access-Accept"] = 2, ["Access-Reject"] = 3, ["Accounting-Request"] = 4,
  ["Accounting-Response"] = 5, ["Access-Challenge"] = 11, ["Status-Server"] = 12, ["Disconnect-Request"] = 40,
  ["Disconnect-ACK"] = 41, ["Disconnect-NAK"] = 42, ["CoA-Request"] = 43, ["CoA-ACK"] = 44, ["CoA-NAK"] = 45,
}

---- code: codes
-- The number of a packet's code.
function gnu.code(name)
  return gnu.codes[name] or 0
end

---- code_name: codes
-- The name of a packet's code; its number if it has none.
function gnu.code_name(n)
  for name, code in pairs(gnu.codes) do
    if code == n then
      return name
    end
  end
  return tostring(n)
end

---- qprn
-- Characters other than letters, digits and - as % and two hexadecimal digits.
function gnu.qprn(text)
  return (text:gsub("[^%w-]", function(c)
    return string.format("%%%02X", c:byte())
  end))
end

---- quote
-- Characters that cannot be printed as C writes them in strings.
function gnu.quote(text)
  local letters = {
    ["\007"] = "\\a", ["\008"] = "\\b", ["\009"] = "\\t", ["\010"] = "\\n", ["\011"] = "\\v", ["\012"] = "\\f",
    ["\013"] = "\\r", ["\\"] = "\\\\", ['"'] = '\\"',
  }
  return (text:gsub("[%c\\\"\128-\255]", function(c)
    return letters[c] or string.format("\\%03o", c:byte())
  end))
end

---- unquote
-- The reverse of quote.
function gnu.unquote(text)
  local letters = {a = "\007", b = "\008", t = "\009", n = "\010", v = "\011", f = "\012", r = "\013"}
  return (text:gsub("\\(.[0-7]?[0-7]?)", function(escape)
    if escape:find("^[0-7][0-7][0-7]") then
      return string.char(tonumber(escape, 8) % 256)
    end
    local first = escape:sub(1, 1)
    return (letters[first] or first) .. escape:sub(2)
  end))
end

---- lookup
-- The IPv4 address of a name as a number, 0 if there is none. It asks a name server.
function gnu.lookup(name)
  for _, address in ipairs(net.lookup(name) or {}) do
    local n = net.aton(address)
    if n then
      return n
    end
  end
  return 0
end
