-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.

test.users [=[
$DIALECT gnu
DEFAULT Hint = "exact", Auth-Type = Accept
        Reply-Message = "exact"
DEFAULT Hint = "digits", Auth-Type = Accept
        Reply-Message = "digits"
DEFAULT Hint = "both", Auth-Type = Accept
        Reply-Message = "=\"both \" .. req.user"
DEFAULT Hint = "prefix", Auth-Type = Accept
        Reply-Message = "=\"prefix \" .. req.user"
DEFAULT Hint = "kept", Auth-Type = Accept
        Reply-Message = "=\"kept \" .. req.user"
DEFAULT Hint = "first", Hint = "second", Auth-Type = Accept
        Reply-Message = "=\"first, second \" .. req.user"
DEFAULT Keep-First = 1, Keep-Last = 2, Keep-All = 1, Auth-Type = Accept
        Reply-Message = "additivity"
DEFAULT Huntgroup-Name = "two", Auth-Type = Accept
        Reply-Message = "two"
BEGIN NAS-Port-Id = 1
        Reply-Message = "begin", Fall-Through = Yes
BEGIN7 NAS-Port-Id = 2, Auth-Type = Accept
        Reply-Message = "begin 7"
BEGINNER Auth-Type = Accept
        Reply-Message = "a user"
ann NAS-Port-Id = 3, Auth-Type = Accept
        Reply-Message = "three"
ann User-Password = "hamlet"
        Reply-Message = "ann", Session-Timeout = 1, Idle-Timeout = 1, Fall-Through = Yes
ann NULL
        Reply-Message = "again", Session-Timeout = 2, Idle-Timeout = 2
ann NULL
        Reply-Message = "not reached"
made-4 Auth-Type = Accept
        Reply-Message = "made"
DEFAULT5 NAS-Port-Id > 3000000000, Auth-Type = Accept
        Reply-Message = "unsigned"
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

test.case("users:2: DEFAULT", function()
  accepts({user = "exact", password = "hamlet"}, {["Reply-Message"] = {"exact"}})
  rejects({user = "xexact", password = "hamlet"})
end)

test.case("users:4: DEFAULT", function()
  accepts({user = "somebody", ["Called-Station-Id"] = "digits", password = "hamlet"}, {["Reply-Message"] = {"digits"}})
end)

test.case("users:6: DEFAULT", function()
  accepts({user = "Psomebody.ppp", password = "hamlet"}, {})
  rejects({user = "xPsomebody.ppp", password = "hamlet"})
end)

test.case("users:8: DEFAULT", function()
  accepts({user = "Psomebody", password = "hamlet"}, {})
  rejects({user = "xPsomebody", password = "hamlet"})
end)

test.case("users:10: DEFAULT", function()
  accepts({user = "somebody.k", password = "hamlet"}, {})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:12: DEFAULT", function()
  accepts({user = "somebody.s", ["Called-Station-Id"] = "on", password = "hamlet"}, {})
  rejects({user = "somebody", ["Called-Station-Id"] = "on", password = "hamlet"})
end)

-- users:14 has no test: no request was found that fits it.

-- users:16 has no test: an earlier rule stands before it.

test.case("users:20: BEGIN", function()
  rejects({user = "somebody", ["NAS-Port"] = 1, password = "hamlet"})
  accepts({user = "somebody", ["NAS-Port"] = 2, password = "hamlet"}, {["Reply-Message"] = {"begin 7"}})
end)

test.case("users:22: BEGIN7", function()
  accepts({user = "somebody", ["NAS-Port"] = 2, password = "hamlet"}, {["Reply-Message"] = {"begin 7"}})
  rejects({user = "somebody", ["NAS-Port"] = 3, password = "hamlet"})
end)

test.case("users:24: BEGINNER", function()
  accepts({user = "BEGINNER", password = "hamlet"}, {["Reply-Message"] = {"a user"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:26: ann", function()
  accepts({user = "ann", ["NAS-Port"] = 3, password = "hamlet"}, {["Reply-Message"] = {"three"}})
  accepts({user = "ann", ["NAS-Port"] = 4, password = "hamlet"}, {["Reply-Message"] = {"ann", "again"}, ["Session-Timeout"] = {2}, ["Idle-Timeout"] = {1}})
end)

test.case("users:28: ann", function()
  accepts({user = "ann", password = "hamlet"}, {["Reply-Message"] = {"ann", "again"}, ["Session-Timeout"] = {2}, ["Idle-Timeout"] = {1}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "ann", password = "wrong"})
end)

test.case("users:30: ann", function()
  accepts({user = "ann", password = "hamlet"}, {["Reply-Message"] = {"ann", "again"}, ["Session-Timeout"] = {2}, ["Idle-Timeout"] = {1}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "ann", password = "wrong"})
end)

-- users:32 has no test: an earlier rule stands before it.

test.case("users:34: made-4", function()
  accepts({user = "made-4", password = "hamlet"}, {["Reply-Message"] = {"made"}})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:36: DEFAULT5", function()
  accepts({user = "somebody", ["NAS-Port"] = 3000000001, password = "hamlet"}, {["Reply-Message"] = {"unsigned"}})
  rejects({user = "somebody", ["NAS-Port"] = 3000000000, password = "hamlet"})
end)
