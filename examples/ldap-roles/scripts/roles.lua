-- The directory knows the people and their passwords; its groups say what they may do on a switch and in which VLAN they are.

local staff = ldap.open("staff") -- [backend.ldap.staff] of config.toml

local roles = { -- the first group that one is in counts
  {group = "admins", vlan = 10, service = "Administrative-User"},
  {group = "staff", vlan = 20, service = "NAS-Prompt-User"},
}

local function role_of(dn)
  local member = {}
  for _, group in ipairs(staff:search{filter = "(&(objectClass=groupOfNames)(member=" .. ldap.escape(dn) .. "))", attrs = {"cn"}}) do
    member[group.attrs.cn[1]] = true
  end
  for _, role in ipairs(roles) do
    if member[role.group] then return role end
  end
end

-- A directory that does not answer ends this with drop: the NAS asks its next server.
on("authorize", {when = {method = "pap"}}, function(req)
  local found = staff:search{filter = "(&(objectClass=person)(uid=" .. ldap.escape(req.user) .. "))", attrs = {"cn"}, limit = 2}
  if #found == 0 then return end -- the users file may know the name
  local person = found[1]
  if #found > 1 or not staff:bind(person.dn, req.password) then return reject{} end
  local role = role_of(person.dn)
  if not role then return reject{message = "not for you"} end
  req:note("role", role.group)
  return authenticated{vlan = role.vlan, ["Service-Type"] = role.service, Class = role.group}
end)
