-- Tests of the users file, made from the old one: for each entry a request that fits it and one that just does not.
--
-- They go by the copy of the entries below, so that editing raddb/users does not break them. In it all passwords are
-- the same, and what depends on the time, on programs, on sessions and on functions is left out.

test.users [=[
$DIALECT gnu
BEGIN NULL
        Idle-Timeout = 900, Fall-Through = Yes
jan Auth-Type = Local, User-Password = "hamlet"
        Service-Type = Framed-User, Framed-IP-Address = 198.51.100.7, Fall-Through = No
mo Crypt-Password = "$1$perilune$EicJna3uw33P66p2rzsmI0"
        Session-Timeout = 3600, Reply-Message = "Good day, Mo"
"a guest" User-Password = "hamlet", NAS-IP-Address != 192.0.2.20
        Session-Timeout = 600
root-of-all User-Password = "hamlet"
        Match-Profile = staff, Reply-Message = "Gr\374\337 Gott"
staff NULL
        Service-Type = Administrative-User, Login-Service = Telnet
DEFAULT Huntgroup-Name = "room", Auth-Type = Reject
        Reply-Message = "The room is closed.\n"
DEFAULT Hint = "PPP", Auth-Type = Accept
        Framed-MTU = 1500, Fall-Through = Yes
DEFAULT Framed-Protocol = PPP, Auth-Type = Accept
        Framed-Protocol = PPP, Framed-Routing = None
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

test.case("users:3: BEGIN", function()
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:6: jan", function()
  accepts({user = "jan", password = "hamlet"}, {["Idle-Timeout"] = {900}, ["Service-Type"] = {"Framed-User"}, ["Framed-IP-Address"] = {"198.51.100.7"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "jan", password = "wrong"})
end)

test.case("users:12: mo", function()
  accepts({user = "mo", password = "hamlet"}, {["Idle-Timeout"] = {900}, ["Session-Timeout"] = {3600}, ["Reply-Message"] = {"Good day, Mo"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "mo", password = "wrong"})
end)

-- users:17 has no test: the name has characters that may be refused.

test.case("users.staff:2: root-of-all", function()
  accepts({user = "root-of-all", password = "hamlet"}, {["Idle-Timeout"] = {900}, ["Reply-Message"] = {"Gr\252\223 Gott"}, ["Service-Type"] = {"Administrative-User"}, ["Login-Service"] = {"Telnet"}})
  rejects({user = "somebody", password = "hamlet"})
  rejects({user = "root-of-all", password = "wrong"})
end)

test.case("users.staff:4: staff", function()
  rejects({user = "staff", password = "hamlet"})
  rejects({user = "somebody", password = "hamlet"})
end)

test.case("users:22: DEFAULT", function()
  rejects({user = "somebody", ["NAS-IP-Address"] = "192.0.2.20", ["NAS-Port"] = 12, password = "hamlet"})
  rejects({user = "somebody", ["NAS-Port"] = 12, password = "hamlet"})
end)

test.case("users:25: DEFAULT", function()
  accepts({user = "Psomebody", password = "hamlet"}, {["Idle-Timeout"] = {900}, ["Framed-MTU"] = {1500}, ["Framed-Protocol"] = {"PPP"}, ["Framed-Routing"] = {"None"}})
  rejects({user = "xPsomebody", password = "hamlet"})
end)

test.case("users:29: DEFAULT", function()
  accepts({user = "somebody", ["Framed-Protocol"] = "PPP", password = "hamlet"}, {["Idle-Timeout"] = {900}, ["Framed-Protocol"] = {"PPP"}, ["Framed-Routing"] = {"None"}})
  rejects({user = "somebody", ["Framed-Protocol"] = "SLIP", password = "hamlet"})
end)
