-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.

test.users [=[
$DIALECT gnu
DEFAULT Auth-Type = Accept
        Reply-Message = "=req.user", Class = "=req[\"Class\"] or \"\""
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

test.case("users:1: DEFAULT", function()
  accepts({user = "somebody", password = "hamlet"}, {})
end)
