-- users that a directory keeps: the server authenticates them by what is found there
local kept = {
  clear = {"Cleartext-Password", "hello"},
  nt = {"NT-Password", bytes.from_hex("066ddfd4ef0e9cd7c256fe77191ef43c")},
  header = {"Password-With-Header", "{nt}066ddfd4ef0e9cd7c256fe77191ef43c"},
  hashed = {"Crypt-Password", "abl0JrMf6tlhw"},
}

on("authorize", function(req)
  local found = kept[req.user]
  if found then req.control[found[1]] = found[2] end
end)

-- and one whom a hook looks at itself
on("authorize", {when={["User-Name"]="own*"}}, function(req)
  if req:check_password("hello") then return accept{["Filter-Id"] = "own"} end
  return reject{reason="password"}
end)
