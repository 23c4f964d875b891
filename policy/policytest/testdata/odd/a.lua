local api = http.open{base="https://api.example"}
on("authorize", {name="asks", when={user="asks*"}}, function(req)
  local r, err = api:try_get("/" .. req.user)
  return accept{message=err or r.body}
end)
on("authorize", {name="rest"}, function() return accept{} end)
every("1h", {name="asks"}, function() api:try_get("/sweep") end)
