on("authorize", {name="broken", when={user="broken"}}, function(req) return tostring(req.ctx) + 1 .. req.user end)
