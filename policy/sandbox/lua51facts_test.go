package sandbox

// lua51Facts are bodies of functions, one a line, that must give what lua5.1 gives. Known differences are
// left out: a malformed pattern raises even if matching does not come by the fault, tonumber("inf") is nil, assert
// raises any value, __tostring must give a string.
const lua51Facts = `
return ("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find("")
return ("hello"):find("", 10)
return ("hello"):find("", -1)
return ("hello"):find("l", -2)
return ("a.b"):find(".", 2, true)
return ("a.b"):find("%.")
return ("a+b"):find("+", 1, true)
return ("hello world"):match("^(%w+)")
return ("key = value"):match("^(%w+)%s*=%s*(%w+)$")
return ("ann@example.org"):match("^([^@]+)@(.+)$")
return ("2024-01-02"):match("(%d+)-(%d+)-(%d+)")
return ("abc"):match("()b()")
return ("THE (quick) fox"):find("%((%a+)%)")
return ("f(a(b)c)d"):match("%b()")
return ("THE (quick) fox"):gsub("%f[%a]%a+", "x")
return ("hello"):gsub("l", "L", 1)
return ("hello"):gsub("", "-")
return ("abc"):gsub("%w*", "x")
return ("abc d"):gsub("%w-", "x")
return ("hello world"):gsub("o", {o = "0"})
return ("hello world"):gsub("%w+", function(w) if w == "world" then return w:upper() end end)
return ("hello"):gsub("(h)(e)", "%2%1")
return ("hello"):gsub("h", "%0%0%%")
return ("hello"):gsub("h", "%1")
return ("hello"):gsub("h", "%2")
return ("hello"):gsub("h)", "x")
return ("hello"):gsub("[h", "x")
return ("hello"):gsub("%", "x")
return ("hello"):gsub("h", true)
return ("hello"):gsub("h", function() return {} end)
return ("hello"):gsub("h", 5)
return ("hello"):gsub("^l", "x")
return ("hello hello"):gsub("^h", "x")
return ("abc"):gsub(".", {a = 1, b = false})
return ("x^y"):gsub("%^", "$")
return ("a$b"):find("$b")
return ("a$"):find("$$")
return ("]"):find("[]]"), ("a"):find("[^]]")
return ("-"):find("[a-]"), ("b"):find("[a-c]"), ("-"):find("[%a-z]"), ("z"):find("[%a-z]")
return ("aXb"):find("%u"), ("aXb"):find("%U"), ("a b"):find("%s"), ("a,b"):find("%p")
return ("\0a"):find("%z")
return ("abab"):find("(ab)%1")
return ("abab"):find("%1(ab)")
local t = {} for w in ("one two"):gmatch("%a+") do t[#t + 1] = w end return unpack(t)
local t = {} for k, v in ("a=1, b=2"):gmatch("(%w+)=(%w+)") do t[#t + 1] = k .. v end return unpack(t)
local t = {} for p in ("abc"):gmatch("()") do t[#t + 1] = p end return unpack(t)
local t = {} for p in ("^a^a"):gmatch("^a") do t[#t + 1] = p end return unpack(t)
return ("abc"):byte(), ("abc"):byte(2), ("abc"):byte(-1), ("abc"):byte(10)
return ("abc"):byte(1, -1)
return ("abc"):byte(0, 2)
return ("abc"):sub(2), ("abc"):sub(-2), ("abc"):sub(2, 2), ("abc"):sub(0), ("abc"):sub(5), ("abc"):sub(-10, 2), ("abc"):sub(3, 2)
return ("abc"):rep(3), ("abc"):rep(0), ("abc"):rep(-1), (""):rep(100)
return ("abc"):upper(), ("ABC"):lower(), ("abc"):reverse(), ("abc"):len()
return string.char(), string.char(65, 66)
return string.char(256)
return string.char(-1)
return ("%d %5d|%-5d|%05d|%+d|% d|%.3d"):format(3, 42, 42, 42, 42, 42, 7)
return ("%i %u %x %X %#x %o"):format(3, 4, 255, 255, 255, 8)
return ("%5.1f|%-8.2f|%e|%E|%g|%G|%g|%g"):format(3.14159, 2.5, 12345.678, 0.00012, 1e20, 1e-10, 100, 0.1)
return ("%.3g|%10.4g|%g|%g|%g"):format(1234567, 0.00001234, 123456, 1234567, 1e15)
return ("%s|%5s|%-5s|%.2s|%s"):format("abc", "ab", "ab", "abc", 12)
return ("%q"):format('a"b\\c\nd\0e\rf')
return ("%c%c"):format(72, 105)
return ("%%"):format()
return ("%5%"):format()
return ("%y"):format(1)
return ("%d"):format("x")
return ("%d"):format("10")
return ("%d"):format(3.9), ("%d"):format(-3.9)
return ("%x"):format(-1)
return ("%s"):format()
return ("%123d"):format(1)
return ("%"):format(1)
return ("%d"):format()
return ("%f %g"):format(1/0, -1/0)
return tostring(nil), tostring(true), tostring(12), tostring(-0.5), tostring(1e300), tostring(2^31)
return tonumber("10"), tonumber("0x1F"), tonumber("1e1"), tonumber("  7  "), tonumber("7x"), tonumber(""), tonumber("."), tonumber("5.")
return tonumber("10", 2), tonumber("zz", 36), tonumber("9", 8), tonumber("7fffffff", 16), tonumber(" 11 ", 2)
return tonumber("1", 1)
return tonumber()
return tonumber("0b1"), tonumber("0o7"), tonumber("- 1"), tonumber("-0x10"), tonumber("+1")
return tonumber({}), tonumber(nil), tonumber("1 2")
return select("#"), select("#", nil, nil), select(2, "a", "b", "c"), select(-1, "a", "b")
return select(-1, "a", "b")
return select(0, "a")
return select(5, "a")
return unpack({1, 2, 3}), unpack({1, 2, 3}, 2), unpack({1, 2}, 2, 3)
return unpack({}, 1, 0)
return table.concat({1, 2, "x"}, ", "), table.concat({}, "x"), table.concat({1, 2, 3}, "-", 2), table.concat({1, 2, 3}, "-", 2, 2), table.concat({1, 2}, "-", 3)
return table.concat({1, {}, 3})
return table.concat({1, 2}, ",", 1, 3)
local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) return table.concat(t, ","), #t
local t = {1, 2, 3} return table.remove(t), table.remove(t, 1), table.concat(t, ","), table.remove(t, 9), table.remove({})
local t = {5, 2, 8, 1} table.sort(t) return table.concat(t, ",")
local t = {"b", "a", "C"} table.sort(t, function(a, b) return a:lower() < b:lower() end) return table.concat(t)
local t = {1, "a"} table.sort(t)
return table.maxn({1, 2, [10] = 3}), table.maxn({})
table.insert({}, 1, 2, 3)
table.insert({})
return math.floor(-3.5), math.ceil(-3.5), math.abs(-2), math.max(1, 3, 2), math.min(3, 1, 2), math.fmod(7, 3), math.fmod(-7, 3), -7 % 3
return math.modf(3.7), math.modf(-3.7), math.frexp(8), math.ldexp(0.5, 4), math.pow(2, 10), math.sqrt(16), math.huge
return math.modf(1/0)
return math.max()
return math.floor("3.7"), "10" + 5, "3" * "4", 10 .. 20
return math.random(0)
return "a" < "b", "a" < "B", "" < "a", "a\0b" < "a\0c", "Z" < "a"
return 1 < "2"
return {} < {}
return 1 == "1", "1" == 1, 0 == -0
return #"abc", #{1, 2, 3}, #"\0\0"
return "a" .. "b" .. "c" .. 1 .. 2, 1 .. 2 == "12"
return "a" .. {}
return "a" .. nil
return pcall(error)
return pcall(error, nil)
return pcall(error, "m", 0)
return pcall(error, "m")
return (pcall(function() local x = nil; x.y = 1 end))
return assert(1, "m"), assert("a", "b", "c")
return assert(false, "m")
return assert(nil)
return type(nil), type(1), type("a"), type({}), type(print), type(coroutine.create(function() end))
return type()
return rawequal("a", "a"), rawequal({}, {}), rawget({5}, 1), rawset({}, 1, 2)[1]
return next({}), next({7}), type(next), next({}, nil)
local t = setmetatable({}, {__index = function(t, k) return k .. "!" end}) return t.a, t[1]
local t = setmetatable({}, {__call = function(self, a, b) return a + b end}) return t(1, 2)
local t = setmetatable({}, {__tostring = function() return "T" end}) return tostring(t)
local t = setmetatable({}, {__metatable = "locked"}) return getmetatable(t)
local t = setmetatable({}, {__metatable = "locked"}) setmetatable(t, {})
return setmetatable({}, 1)
return setmetatable({})
local m = {__lt = function() return true end, __le = function() return false end, __eq = function() return true end} local a, b = setmetatable({}, m), setmetatable({}, m) return a < b, a <= b, a == b
local m = {__unm = function() return "neg" end, __len = function() return 7 end} local a = setmetatable({}, m) return -a
local m = {__concat = function(a, b) return (type(a) == "table" and "T" or a) .. "+" .. (type(b) == "table" and "T" or b) end} local t = setmetatable({}, m) return "a" .. t, t .. "a", t .. t, "a" .. "b" .. t .. 1 .. 2, 1 .. t
local t = {} for i, v in ipairs({1, 2, nil, 4}) do t[i] = v end return #t
local n = 0 for k, v in pairs({a = 1, b = 2, 3}) do n = n + v end return n
local c = coroutine.wrap(function(...) local a = coroutine.yield(...) return a end) return c(1, 2), c(3)
local c = coroutine.wrap(function() return coroutine.yield(1) end) c() return c(5, 6)
local c = coroutine.create(function() return 1 end) return coroutine.resume(c), coroutine.status(c), coroutine.resume(c)
local c = coroutine.create(function() return 1 end) coroutine.resume(c) return (coroutine.resume(c))
local c = coroutine.create(function() error({}) end) return coroutine.resume(c)
local c c = coroutine.create(function() return coroutine.status(c), coroutine.running() == c end) return coroutine.resume(c)
local a, b a = coroutine.create(function() return coroutine.resume(b) end) b = coroutine.create(function() return coroutine.status(a) end) return coroutine.resume(a)
local c = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) local t = {} for v in c do t[#t + 1] = v end return unpack(t)
local c = coroutine.wrap(function() return ("x"):upper() end) return c()
local c = coroutine.wrap(function() return pcall(error, "x") end) return (c())
return coroutine.running()
return coroutine.resume(1)
return coroutine.wrap(1)
local function f(...) return select("#", ...), ... end return f(nil, nil), (f(1, 2))
local t = {} t[1.5] = "x" t["1"] = "s" t[1] = "n" return t[1.5], t["1"], t[1]
local t = {} t[0/0] = 1
local t = {} t[nil] = 1
local s = "" for i = 10, 1, -3 do s = s .. i .. " " end return s
local s = 0 for i = 1, 0 do s = 1 end return s
for i = "a", 2 do end
return 0x10, 1e2, .5, 3., 0xA
return 2^0.5, 7 / 2, -2^2, 2^3^2, not nil == true
return "\65\066\n\t\\\"", 'a\'b', [[x]], [==[a]]b]==]
`
