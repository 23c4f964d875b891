-- huntgroups: where a request comes from, and who may come from there.
--
-- Converted from the file huntgroups of GNU Radius. The users file asks for a group by Huntgroup-Name. Above each
-- group stand the lines that it was made of.

-- huntgroups:1
-- one     NAS-Port-Id = "5-", NAS-IP-Address = nowhere NULL
-- NAS-Port-Id left out: "5-" is no list of ports such as 1-5,9.
-- Left out: "nowhere" is a host name, which was looked up when the file was read: write its address.
huntgroup("one", function()
  return false
end)

-- huntgroups:2
-- two NULL NULL
-- Left out: both lists are empty.

-- huntgroups:3
-- three   NAS-Port-Id = 3
--         Session-Timeout = 5
-- Left out: Session-Timeout may not stand on the right side in huntgroups by its flags in the dictionary.

-- huntgroups:5
-- four    User-Password = "x" NULL
-- Left out: User-Password may not stand on the left side in huntgroups by its flags in the dictionary.
