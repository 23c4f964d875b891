-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.

test.users [=[
$DIALECT gnu
bob Auth-Type = Accept, NAS-Port-Id != 7
        Session-Timeout = 0, Idle-Timeout = 10, Port-Limit = 1, Service-Type = 2
numbers Auth-Type = Accept
        Framed-IP-Address = 192.0.2.1+
pam Auth-Type = "pam-check"
        Reply-Message = "pam"
oldpam Auth-Type = "pam-check"
        Reply-Message = "pam"
sql Auth-Type = "sql-check"
        Reply-Message = "sql"
located Auth-Type = "sql-check", Password-Location = SQL
        Reply-Message = "sql"
system User-Password = "UNIX"
        Reply-Message = "system"
late User-Password = "hamlet"
        Reply-Message = "late"
odd User-Password = "hamlet"
        Reply-Message = "odd"
both Crypt-Password = "$1$perilune$EicJna3uw33P66p2rzsmI0", Auth-Type = Accept
        Reply-Message = "both"
loud User-Password = "hamlet"
        Reply-Message = "=\"hello \" .. req.user", Acct-Interim-Interval = 60
DEFAULTS Auth-Type = Accept
        Reply-Message = "a name"
BEGINNER Auth-Type = Accept
        Reply-Message = "a name, too"
long Auth-Type = Accept
        Reply-Message = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
ratio Auth-Type = Accept
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

test.case("users:2: bob", function()
  accepts({user = "bob", ["NAS-Port"] = 8, password = "hamlet"}, {["Session-Timeout"] = {0}, ["Idle-Timeout"] = {10}, ["Port-Limit"] = {1}, ["Service-Type"] = {"Framed-User"}})
  rejects({user = "bob", ["NAS-Port"] = 7, password = "hamlet"})
end)

test.case("users:4: numbers", function()
  accepts({user = "numbers", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

-- users:6 has no test: its password is not in the file.

-- users:8 has no test: its password is not in the file.

-- users:9 has no test: its password is not in the file.

-- users:11 has no test: its password is not in the file.

-- users:13 has no test: its password is not in the file.

test.case("users:17: late", function()
  accepts({user = "late", password = "hamlet"}, {["Reply-Message"] = {"late"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "late", password = "wrong"})
end)

test.case("users:19: odd", function()
  accepts({user = "odd", password = "hamlet"}, {["Reply-Message"] = {"odd"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "odd", password = "wrong"})
end)

test.case("users:23: both", function()
  accepts({user = "both", password = "hamlet"}, {["Reply-Message"] = {"both"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "both", password = "wrong"})
end)

test.case("users:25: loud", function()
  accepts({user = "loud", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "loud", password = "wrong"})
end)

test.case("users:28: DEFAULTS", function()
  accepts({user = "DEFAULTS", password = "hamlet"}, {["Reply-Message"] = {"a name"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:30: BEGINNER", function()
  accepts({user = "BEGINNER", password = "hamlet"}, {["Reply-Message"] = {"a name, too"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:32: long", function()
  accepts({user = "long", password = "hamlet"}, {["Reply-Message"] = {"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:34: ratio", function()
  accepts({user = "ratio", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)
