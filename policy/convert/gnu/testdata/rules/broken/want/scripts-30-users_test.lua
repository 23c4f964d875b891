-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.

test.users [=[
$DIALECT gnu
carl Auth-Type = Accept
        Reply-Message = "carl"
loop Auth-Type = Accept
        NULL
mia Auth-Type = Accept
        NULL
pia Auth-Type = Accept
        NULL
qi Auth-Type = Accept
        NULL
tom Auth-Type = Accept
        NULL
]=]

local function accepts(request, want)
  local r = expect(send(request)):accept()
  for name, values in pairs(want) do
    r:has(name, values)
  end
end

local function rejects(request)
  expect(send(request)):reject()
end

test.case("users:5: carl", function()
  accepts({user = "carl", password = "hamlet"}, {["Reply-Message"] = {"carl"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("loop:2: loop", function()
  accepts({user = "loop", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:29: mia", function()
  accepts({user = "mia", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:34: pia", function()
  accepts({user = "pia", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:34: qi", function()
  accepts({user = "qi", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:37: tom", function()
  accepts({user = "tom", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)
